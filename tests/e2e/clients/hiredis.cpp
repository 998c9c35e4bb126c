// An application with hiredis, which knows no Sentinel; see ../../support/application.py.
#include <hiredis/hiredis.h>
#include <httplib.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>

struct Free {
  void operator()(redisContext* context) const { redisFree(context); }
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Connection = std::unique_ptr<redisContext, Free>;
using Reply = std::unique_ptr<redisReply, Free>;

template <typename... Words>
Reply Ask(const Connection& server, const char* format, Words... words) {
  Reply reply(static_cast<redisReply*>(redisCommand(server.get(), format, words...)));
  if (!reply) throw std::runtime_error(server->errstr);
  if (reply->type == REDIS_REPLY_ERROR) throw std::runtime_error(reply->str);
  return reply;
}

Connection Open(const std::string& host, int port, const char* password) {
  const timeval patience{0, 500'000};
  Connection server(redisConnectWithTimeout(host.c_str(), port, patience));
  if (!server || server->err) throw std::runtime_error(server ? server->errstr : "no memory");
  redisSetTimeout(server.get(), patience);
  if (password) Ask(server, "AUTH %s", password);
  return server;
}

Connection Connect(const std::string& watcher, const char* group) {
  httplib::Client asking(watcher);
  asking.set_connection_timeout(2);
  asking.set_read_timeout(2);
  const auto answer = asking.Get("/sentinels");
  if (!answer || answer->status != 200) throw std::runtime_error("no list of Sentinels");
  std::istringstream list(answer->body);
  for (std::string address; std::getline(list, address, ',');) {
    try {
      const auto colon = address.rfind(':');
      std::string host = address.substr(0, colon);
      if (host.front() == '[') host = host.substr(1, host.size() - 2);
      const auto sentinel =
          Open(host, std::stoi(address.substr(colon + 1)), std::getenv("SENTINEL_PASSWORD"));
      const auto named = Ask(sentinel, "SENTINEL GET-MASTER-ADDR-BY-NAME %s", group);
      if (named->type != REDIS_REPLY_ARRAY) continue;  // it does not know the group yet
      auto server =
          Open(named->element[0]->str, std::stoi(named->element[1]->str), std::getenv("REDIS_PASSWORD"));
      // A Sentinel that was away may name the old master.
      if (Ask(server, "ROLE")->element[0]->str == std::string("master")) return server;
    } catch (const std::runtime_error& error) {
      std::cerr << address << ": " << error.what() << '\n';
    }
  }
  throw std::runtime_error("no Sentinel names a master");
}

int main(int, char** argv) {
  const std::chrono::milliseconds pause(std::stoi(argv[4]));
  Connection client;
  for (int number = 0;;) {
    try {
      if (!client) client = Connect(argv[1], argv[2]);
      Ask(client, "SET count:%d %d", number, number);
    } catch (const std::runtime_error& error) {
      std::cerr << error.what() << '\n';
      client.reset();
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      continue;
    }
    std::cout << number << std::endl;
    number++;
    std::this_thread::sleep_for(pause);
  }
}
