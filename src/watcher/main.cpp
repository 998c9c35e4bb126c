#include "watcher/run.h"

int main(int argc, char** argv) { return redis_zk::watcher::Run(argc, argv); }
