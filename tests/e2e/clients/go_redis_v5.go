// An application with go-redis v5; see ../../support/application.py.
package main

import (
	"fmt"
	"io/ioutil"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"gopkg.in/redis.v5"
)

func connect(watcher, group string) (*redis.Client, error) {
	asking := http.Client{Timeout: 2 * time.Second}
	answer, err := asking.Get(watcher + "/sentinels")
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	list, err := ioutil.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("watcher: %s", list)
	}
	return redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName:    group,
		SentinelAddrs: strings.Split(string(list), ","),
		DialTimeout:   500 * time.Millisecond,
		ReadTimeout:   500 * time.Millisecond,
		WriteTimeout:  500 * time.Millisecond,
	}), nil
}

func main() {
	pause, err := strconv.Atoi(os.Args[4])
	if err != nil {
		panic(err)
	}
	var client *redis.Client
	for number := 0; ; {
		if client == nil {
			client, err = connect(os.Args[1], os.Args[2])
		}
		if err == nil {
			err = client.Set(fmt.Sprintf("count:%d", number), number, 0).Err()
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			if client != nil {
				client.Close()
				client = nil
			}
			time.Sleep(100 * time.Millisecond)
			continue
		}
		if _, err := fmt.Println(number); err != nil {
			return
		}
		number++
		time.Sleep(time.Duration(pause) * time.Millisecond)
	}
}
