// SPDX-License-Identifier: Apache-2.0
// Whether this was compiled for a sanitizer: AddressSanitizer's leak checker traces its own process, ThreadSanitizer
// needs calls that nobody else does.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define HA_UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HA_UNDER_ASAN 1
#endif
#endif
#ifndef HA_UNDER_ASAN
#define HA_UNDER_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__)
#define HA_UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HA_UNDER_TSAN 1
#endif
#endif
#ifndef HA_UNDER_TSAN
#define HA_UNDER_TSAN 0
#endif
