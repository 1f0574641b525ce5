#ifndef TIBET_CZSTD_SHIM_H
#define TIBET_CZSTD_SHIM_H

#include <zstd.h>
#include <zstd_errors.h>

#endif
