# An application with Perl's Redis; see ../../support/application.py.

use strict;
use warnings;
use HTTP::Tiny;
use IO::Socket::SSL;
use Redis;
use Time::HiRes qw(usleep);

my ($watcher, $group, $ca, $pause) = @ARGV;
$| = 1;

sub connect_to_master {
    my $answer = HTTP::Tiny->new(timeout => 2)->get("$watcher/sentinels");
    die $answer->{content} unless $answer->{success};
    my $tls = $ca ne '-';
    IO::Socket::SSL::set_defaults(SSL_ca_file => $ca) if $tls;    # Redis.pm passes none on
    return Redis->new(
        sentinels => [split /,/, $answer->{content}], service => $group,
        password => $ENV{REDIS_PASSWORD}, sentinels_password => $ENV{SENTINEL_PASSWORD},
        ssl => $tls, sentinels_ssl => $tls,
        cnx_timeout => 0.5, read_timeout => 0.5, write_timeout => 0.5,
        sentinels_cnx_timeout => 0.5, sentinels_read_timeout => 0.5, sentinels_write_timeout => 0.5,
    );
}

my $client;
for (my $number = 0;;) {
    my $written = eval {
        $client //= connect_to_master();
        $client->set("count:$number", $number);
    };
    if (!$written) {
        warn $@;
        undef $client;
        usleep(100_000);
        next;
    }
    print "$number\n";
    $number++;
    usleep($pause * 1000);
}
