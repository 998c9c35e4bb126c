// A certificate authority for the tests, in a directory of its own that is removed at the end.
#pragma once

#include <memory>
#include <string>

#include "net/tls_context.h"
#include "support/servers.h"

struct evp_pkey_st;
struct x509_st;

namespace redis_zk::testing {

class Authority {
 public:
  struct Wish {
    long begins = -3600;               // seconds from now
    long ends = 90L * 24 * 3600;       // beyond what is warned of
    std::string extended_key_usage{};  // as OpenSSL writes it; empty: for everything
    bool rsa = false;
  };

  Authority();
  ~Authority();

  std::string ca() const { return Path("ca.pem"); }
  // A certificate and its key, in files of that name; those there were before are replaced.
  TlsFiles Certify(const std::string& name, const Wish& wish) const;
  TlsFiles Certify(const std::string& name) const { return Certify(name, Wish{}); }
  std::string Path(const std::string& file) const { return (dir_.path() / file).string(); }

  // The lines of redis.conf for a server on `port` with these files.
  static std::string Conf(const TlsFiles& files, std::uint16_t port, const std::string& auth_clients = "yes");

 private:
  struct Free {
    void operator()(evp_pkey_st* key) const;
    void operator()(x509_st* certificate) const;
  };
  using Key = std::unique_ptr<evp_pkey_st, Free>;
  using Certificate = std::unique_ptr<x509_st, Free>;

  static Key MakeKey(bool rsa);
  // Signed by the authority, once there is one, and by itself before.
  Certificate Sign(const std::string& name, evp_pkey_st* key, const Wish& wish) const;

  TempDir dir_;
  Key key_;
  Certificate certificate_;
};

}  // namespace redis_zk::testing
