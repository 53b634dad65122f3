// Tells ThreadSanitizer of contended mutexes. scripts/test --sanitize thread preloads it.
//
// Swift's Mutex compiles its fast path into the caller, where ThreadSanitizer sees it. Under contention it calls these
// two functions of the library Synchronization, which is built without ThreadSanitizer. Then the order of two critical
// sections would not be seen, and every contended Mutex would be reported as a race.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"
#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *self

static void tell(const char *function, void *mutex) {
    void (*call)(void *) = (void (*)(void *))dlsym(RTLD_DEFAULT, function);
    // A process that was built without ThreadSanitizer has no such function.
    if (call) call(mutex);
}

SWIFT void lock_slow(uint32_t self_id, SELF) __asm__(LOCK);
SWIFT void lock_slow(uint32_t self_id, SELF) {
    SWIFT void (*lock)(uint32_t, SELF) = (SWIFT void (*)(uint32_t, SELF))dlsym(RTLD_NEXT, LOCK);
    lock(self_id, self);
    tell("__tsan_acquire", self);
}

SWIFT void unlock_slow(SELF) __asm__(UNLOCK);
SWIFT void unlock_slow(SELF) {
    SWIFT void (*unlock)(SELF) = (SWIFT void (*)(SELF))dlsym(RTLD_NEXT, UNLOCK);
    tell("__tsan_release", self);
    unlock(self);
}
