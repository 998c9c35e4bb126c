# The three daemons as one Nomad job, by the same variables as everywhere: host networking, dynamic ports.
# `nomad job run -var zk_hosts=10.0.0.1:2181,10.0.0.2:2181,10.0.0.3:2181 docker/redis-zk.nomad.hcl`
#
# The health checks are scripts, whose outcome Nomad tells Consul. Consul takes 1 for a warning only, hence `exit 2`,
# which is critical. None of them restarts anything (there is no check_restart): a wrapper that waits is not healthy
# yet, and a restart would only make it wait again. They are there for `update`, which goes on to the next node once the
# last one holds the data.

variable "zk_hosts" {
  type = string
}

job "redis-zk" {
  type = "service"

  # One of each group at a time, and not on before it is ready, however long the data take; nothing is rolled back by
  # itself. Change one group at a time if you want the strictest order.
  update {
    max_parallel      = 1
    health_check      = "checks"
    min_healthy_time  = "5s"
    healthy_deadline  = "12h"
    progress_deadline = "24h"
  }

  group "redis" {
    count = 3

    constraint {
      operator = "distinct_hosts"
      value    = "true"
    }

    network {
      mode = "host"
      port "redis" {}
    }

    # A replacement on the same host finds the data again.
    ephemeral_disk {
      sticky = true
      size   = 2048
    }

    # For ever: the wrapper itself waits for what is missing, and ends only where a new start is what helps.
    restart {
      attempts = 10
      interval = "5m"
      delay    = "1s"
      mode     = "delay"
    }

    task "redis" {
      driver = "docker"

      # HANDOVER_TIMEOUT and STOP_TIMEOUT, and something to spare. Nomad cuts it to the client's max_kill_timeout, which
      # is 30s unless you raise it: then set STOP_TIMEOUT to 15s, which is enough for small data only.
      kill_timeout = "90s"
      kill_signal  = "SIGTERM"

      config {
        image           = "redis-zk/redis-wrapper:0.2.0"
        network_mode    = "host"
        ports           = ["redis"]
        readonly_rootfs = true
        cap_drop        = ["all"]
        security_opt    = ["no-new-privileges"]
      }

      env {
        ZK_HOSTS = var.zk_hosts
        BIND_IP  = "${NOMAD_IP_redis}"
        PORT0    = "${NOMAD_PORT_redis}"
        WORK_DIR = "/alloc/data"
      }

      service {
        name = "redis-zk-redis"
        port = "redis"

        check {
          type     = "script"
          command  = "sh"
          args     = ["-c", "redis-wrapper healthcheck || exit 2"]
          interval = "10s"
          timeout  = "5s"
        }
      }

      resources {
        cpu    = 500
        memory = 1024
      }
    }
  }

  group "sentinel" {
    count = 3

    constraint {
      operator = "distinct_hosts"
      value    = "true"
    }

    network {
      mode = "host"
      port "sentinel" {}
    }

    restart {
      attempts = 10
      interval = "5m"
      delay    = "1s"
      mode     = "delay"
    }

    task "sentinel" {
      driver       = "docker"
      kill_timeout = "15s"
      kill_signal  = "SIGTERM"

      config {
        image           = "redis-zk/sentinel-wrapper:0.2.0"
        network_mode    = "host"
        ports           = ["sentinel"]
        readonly_rootfs = true
        cap_drop        = ["all"]
        security_opt    = ["no-new-privileges"]
      }

      env {
        ZK_HOSTS = var.zk_hosts
        BIND_IP  = "${NOMAD_IP_sentinel}"
        PORT0    = "${NOMAD_PORT_sentinel}"
      }

      service {
        name = "redis-zk-sentinel"
        port = "sentinel"

        check {
          type     = "script"
          command  = "sh"
          args     = ["-c", "sentinel-wrapper healthcheck || exit 2"]
          interval = "10s"
          timeout  = "5s"
        }
      }

      resources {
        cpu    = 100
        memory = 64
      }
    }
  }

  group "watcher" {
    count = 1

    network {
      mode = "host"
      port "http" {
        static = 8080
      }
    }

    task "watcher" {
      driver = "docker"

      config {
        image           = "redis-zk/watcher:0.2.0"
        network_mode    = "host"
        ports           = ["http"]
        readonly_rootfs = true
        cap_drop        = ["all"]
        security_opt    = ["no-new-privileges"]
      }

      env {
        ZK_HOSTS = var.zk_hosts
        PORT0    = "${NOMAD_PORT_http}"
      }

      service {
        name = "redis-zk-watcher"
        port = "http"

        # Its loop turns; also while ZooKeeper is away.
        check {
          type     = "http"
          path     = "/healthz"
          interval = "10s"
          timeout  = "5s"
        }
      }

      resources {
        cpu    = 100
        memory = 64
      }
    }
  }
}
