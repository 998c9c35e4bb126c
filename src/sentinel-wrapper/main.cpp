#include "sentinel-wrapper/run.h"

int main(int argc, char** argv) { return redis_zk::sentinel_wrapper::Run(argc, argv); }
