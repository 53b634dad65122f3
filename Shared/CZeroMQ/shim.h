#ifndef CZEROMQ_SHIM_H
#define CZEROMQ_SHIM_H
#include <dlfcn.h>
#include <link.h>
#include <malloc.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

// The header declares it only on request.
extern int accept4(int, struct sockaddr *, socklen_t *, int);

// Makes libzmq call `replacement` in place of the function `name` of another library. Returns 1 if it
// does, and 0 if libzmq does not call the function through its table of imported functions.
static inline int zmq_replace_import(const char *name, void *replacement)
{
    struct link_map *map = (struct link_map *)dlopen("libzmq.so.5", RTLD_LAZY | RTLD_NOLOAD);
    if (map == NULL) return 0;
    dlclose(map); // It stays loaded: this program is linked with it.
    const ElfW(Sym) *symbols = NULL;
    const char *names = NULL;
    const ElfW(Rela) *imports = NULL;
    size_t bytes = 0;
    for (const ElfW(Dyn) *entry = map->l_ld; entry->d_tag != DT_NULL; entry++) {
        // glibc has added the library's address to these where it could.
        ElfW(Addr) address = entry->d_un.d_ptr;
        if (address < map->l_addr) address += map->l_addr;
        if (entry->d_tag == DT_SYMTAB) symbols = (const ElfW(Sym) *)address;
        if (entry->d_tag == DT_STRTAB) names = (const char *)address;
        if (entry->d_tag == DT_JMPREL) imports = (const ElfW(Rela) *)address;
        if (entry->d_tag == DT_PLTRELSZ) bytes = entry->d_un.d_val;
    }
    if (symbols == NULL || names == NULL || imports == NULL) return 0;
    for (size_t i = 0; i < bytes / sizeof(ElfW(Rela)); i++) {
        if (strcmp(names + symbols[ELF64_R_SYM(imports[i].r_info)].st_name, name) != 0) continue;
        void **slot = (void **)(map->l_addr + imports[i].r_offset);
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        // The linker makes the table read-only after it has filled it.
        if (mprotect((void *)((size_t)slot / page * page), page, PROT_READ | PROT_WRITE) != 0)
            return 0;
        *slot = replacement;
        return 1;
    }
    return 0;
}
#endif
