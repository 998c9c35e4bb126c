<?php
// An application with Predis; see ../../support/application.py.

require 'Predis/autoload.php';

function connect($watcher, $group, $ca)
{
    $patience = stream_context_create(['http' => ['timeout' => 2]]);
    $list = file_get_contents("$watcher/sentinels", false, $patience);  // false unless 200
    if ($list === false) {
        throw new RuntimeException('no list of Sentinels');
    }
    $options = ['timeout' => 0.5, 'read_write_timeout' => 0.5]
        + ($ca === '-' ? [] : ['scheme' => 'tls', 'ssl' => ['cafile' => $ca]]);
    // As connections, since Predis 1 takes the password out of a Sentinel's parameters.
    $connections = new Predis\Connection\Factory();
    $sentinels = array_map(function ($address) use ($connections, $options) {
        preg_match('/^\[?(.*?)\]?:(\d+)$/', $address, $found);
        return $connections->create(
            ['host' => $found[1], 'port' => $found[2], 'password' => getenv('SENTINEL_PASSWORD')] + $options
        );
    }, explode(',', $list));
    $client = new Predis\Client($sentinels, [
        'replication' => 'sentinel', 'service' => $group,
        'parameters' => ['password' => getenv('REDIS_PASSWORD')] + $options,
    ]);
    $client->getConnection()->setRetryLimit(0);  // not 20 times, each after a second
    return $client;
}

[, $watcher, $group, $ca, $pause] = $argv;
$client = null;
for ($number = 0; ;) {
    try {
        $client = $client ?: connect($watcher, $group, $ca);
        $client->set("count:$number", $number);
    } catch (Exception $error) {
        fwrite(STDERR, $error->getMessage() . "\n");
        $client = null;
        usleep(100000);
        continue;
    }
    echo "$number\n";
    $number++;
    usleep($pause * 1000);
}
