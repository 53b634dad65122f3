#ifndef CZEROMQ_SHIM_H
#define CZEROMQ_SHIM_H
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>
#endif
