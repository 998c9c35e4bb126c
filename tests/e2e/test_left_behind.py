"""Generated files stand apart from the data, closed to others, and are gone with the wrapper that made them."""

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
