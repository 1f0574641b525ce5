#ifndef TIBET_CSODIUM_SHIM_H
#define TIBET_CSODIUM_SHIM_H

#include <sodium.h>

#endif
