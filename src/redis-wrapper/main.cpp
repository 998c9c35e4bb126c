#include "redis-wrapper/run.h"

int main(int argc, char** argv) { return redis_zk::redis_wrapper::Run(argc, argv); }
