// SPDX-License-Identifier: Apache-2.0
// Whether a sanitizer is built in, which needs what programs do without: more stack, calls that nobody else makes.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define HA_SANITIZER_ADDRESS 1
#elif defined(__SANITIZE_THREAD__)
#define HA_SANITIZER_THREAD 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HA_SANITIZER_ADDRESS 1
#elif __has_feature(thread_sanitizer)
#define HA_SANITIZER_THREAD 1
#endif
#endif

#ifndef HA_SANITIZER_ADDRESS
#define HA_SANITIZER_ADDRESS 0
#endif
#ifndef HA_SANITIZER_THREAD
#define HA_SANITIZER_THREAD 0
#endif
#define HA_SANITIZER (HA_SANITIZER_ADDRESS || HA_SANITIZER_THREAD)
