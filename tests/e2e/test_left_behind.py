"""Generated files stand apart from the data, closed to others, and are gone with the wrapper that made them, or, if it
was killed, with the next start."""

import stat

from cluster import wait_for


def ready(process):
    return process.log_lines("serving ")


def test_generated_files_are_elsewhere_and_removed(cluster):
    temporary = cluster.directory / "temporary"
    temporary.mkdir()
    settings = {"RUN_DIR": "", "TMPDIR": temporary, "REDIS_PASSWORD": "a secret of this test"}
    redis = cluster.redis(**settings)
    wait_for(lambda: ready(redis), what="a master")
    sentinel = cluster.sentinel(**settings)
    wait_for(lambda: ready(sentinel), what="a Sentinel")

    directories = sorted(temporary.iterdir())
    assert len(directories) == 2
    for directory in directories:
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        names = sorted(path.name for path in directory.iterdir())
        assert len(names) == 2 and names[0].startswith("health-") and names[1].endswith(".conf"), names
    for process in (sentinel, redis):
        assert process.stop() == 0
        generated = [path.name for path in process.directory.iterdir()
                     if path.name.startswith("health") or path.suffix == ".conf"]
        assert generated == []
    assert list(temporary.iterdir()) == []


def test_directory_of_somebody_else_is_not_trusted(cluster):
    temporary = cluster.directory / "temporary"
    temporary.mkdir()
    redis = cluster.redis(RUN_DIR="", TMPDIR=temporary)
    wait_for(lambda: ready(redis), what="a master")
    (directory,) = temporary.iterdir()
    assert redis.stop() == 0
    directory.mkdir(mode=0o755)
    directory.chmod(0o755)
    (directory / "theirs").touch()
    redis.start()
    assert redis.wait() == 78
    assert f"RUN_DIR: {directory} belongs to another user or is open to others" in redis.log()
    assert [path.name for path in directory.iterdir()] == ["theirs"]


def test_what_a_killed_wrapper_leaves_is_gone_with_the_next_start(cluster):
    """Its scheduler gives it another port."""
    temporary = cluster.directory / "temporary"
    temporary.mkdir()
    (temporary / "redis-zk-of-somebody-else").mkdir()
    settings = {"RUN_DIR": "", "TMPDIR": temporary, "REDIS_PASSWORD": "a secret of this test"}
    nodes = [cluster.redis(**settings) for _ in range(2)]
    for node in nodes:
        node.await_serving()
    killed, other = nodes
    (left,) = temporary.glob(f"redis-zk-{killed.port}-*")
    killed.kill_all()
    assert "a secret of this test" in (left / f"redis-wrapper-{killed.port}.conf").read_text()
    killed.move()
    killed.start()
    killed.await_serving()
    killed.wait_log("event=leftovers-removed")
    assert not left.exists()
    assert len(list(temporary.glob(f"redis-zk-{other.port}-*/*.conf"))) == 1, "that of one that lives"
    assert (temporary / "redis-zk-of-somebody-else").exists()


def test_what_is_left_in_a_run_dir_that_many_share(cluster):
    run = cluster.directory / "run"
    run.mkdir()
    settings = {"RUN_DIR": run, "REDIS_PASSWORD": "a secret of this test"}
    redis = cluster.redis(**settings)
    redis.await_serving()
    sentinel = cluster.sentinel(**settings)
    sentinel.await_serving()
    left = run / f"sentinel-wrapper-{sentinel.port}.conf"
    sentinel.kill_all()
    # A rewrite that was under way, a user's copy, and a link at another place.
    draft = run / f"{left.name}.aB3x9Z"
    draft.write_text("requirepass a secret of this test\n")
    (run / f"{left.name}.backup").touch()
    target = cluster.directory / "target"
    target.touch()
    link = run / f"redis-wrapper-{sentinel.port}.conf"
    link.symlink_to(target)
    sentinel.move()
    sentinel.start()
    sentinel.await_serving()
    assert not left.exists() and not draft.exists()
    assert {path.name for path in run.iterdir()} == {
        f"health-{redis.port}", f"redis-wrapper-{redis.port}.conf", f"health-{sentinel.port}",
        f"sentinel-wrapper-{sentinel.port}.conf", f"{left.name}.backup", link.name}
    assert target.exists()
