# CMake generated Testfile for 
# Source directory: /work/main
# Build directory: /work/main/build/dev
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
subdirs("src/common")
subdirs("src/redis-wrapper")
subdirs("src/sentinel-wrapper")
subdirs("src/watcher")
subdirs("tests")
