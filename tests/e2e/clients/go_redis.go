// An application with go-redis: asks a watcher for the Sentinels, counts in Redis, tries a failed write again, and
// says what was acknowledged, a number a line. `go_redis http://WATCHER`, until its standard output is closed.
package main

import (
	"fmt"
	"io/ioutil"
	"net/http"
	"os"
	"strings"
	"time"

	"gopkg.in/redis.v5"
)

func main() {
	answer, err := http.Get(os.Args[1] + "/sentinels")
	if err != nil {
		panic(err)
	}
	list, err := ioutil.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		panic(string(list))
	}
	client := redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName:    "master1",
		SentinelAddrs: strings.Split(string(list), ","),
		DialTimeout:   500 * time.Millisecond,
		ReadTimeout:   500 * time.Millisecond,
	})
	for number := 0; ; {
		if client.Set(fmt.Sprintf("go:%d", number), number, 0).Err() != nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		if _, err := fmt.Println(number); err != nil {
			return
		}
		number++
	}
}
