# SPDX-License-Identifier: MIT
"""Writes a C program that takes the address of every name which the headers of a library declare, and asks the dynamic
linker which library each is in."""

import pathlib
import sys

from declared import declared, headers_of

PROGRAM = """/* Made by make_symbols.py. */
{includes}
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

union address {{
    void (*function)(void);
    const void *object;
}};

struct symbol {{
    const char *name;
    union address address;
}};

static const struct symbol symbols[] = {{
{entries}
}};

static int is_in_library(const struct symbol *symbol)
{{
    Dl_info found;
    if (symbol->address.object == NULL || dladdr(symbol->address.object, &found) == 0) {{
        return 0;
    }}
    return strstr(found.dli_fname, "{library}.so") != NULL;
}}

int main(void)
{{
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {{
        if (!is_in_library(&symbols[i])) {{
            wrong++;
            fprintf(stderr, "%s is not in the shared library\\n", symbols[i].name);
        }}
    }}
    printf("%zu symbols, %zu wrong\\n", sizeof symbols / sizeof symbols[0], wrong);
    return wrong > 0;
}}
"""


def entry(name, is_function):
    if is_function:
        return f'    {{ "{name}", {{ .function = (void (*)(void)){name} }} }},'
    return f'    {{ "{name}", {{ .object = &{name} }} }},'


def main(include, testing_headers, library, output):
    names = declared(include, testing_headers, library)
    if not names:
        sys.exit("no declarations found")
    text = PROGRAM.format(
        includes="\n".join(f"#include <{header}>" for header in headers_of(include, testing_headers, library)),
        entries="\n".join(entry(name, is_function) for name, is_function in sorted(names.items())),
        library="lib" + library)
    path = pathlib.Path(output)
    if not path.exists() or path.read_text(encoding="utf-8") != text:  # else nothing need be compiled anew
        path.write_text(text, encoding="utf-8")


main(*sys.argv[1:])
