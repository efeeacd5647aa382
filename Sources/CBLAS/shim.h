#pragma once
#include <dlfcn.h>
#include <openblas-pthread/cblas.h>
