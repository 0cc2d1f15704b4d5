/* SPDX-License-Identifier: MIT */
/* journal_disk.c - a disk in memory, whose power goes: what was synced is there afterwards, and of the rest a part, cut
 * anywhere, with zeros in the place of its end perhaps; of two files under the same name, the later of which was not
 * synced as a name, there is one. */
#include "journal_disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chatroom/disk.h"
#include "text.h"

struct image {
    struct text now, safe;
};

struct disk {
    unsigned life;
};

static struct {
    struct bight_simulation *simulation;
    void (*off)(void *context);
    void *context;
    struct image images[3]; /* the file; the one that is safe under its name; the new one */
    size_t named, safe_name, other;
    unsigned fuse, chance, life;
    bool is_off, has_power, is_open;
} all;

static size_t draw_up_to(size_t most)
{
    return (size_t)bight_simulation_draw(all.simulation, most + 1);
}

static bool draw_chance(unsigned chance)
{
    return bight_simulation_draw(all.simulation, 100) < chance;
}

static void put_bytes(struct text *text, const void *bytes, size_t size)
{
    if (size > 0) {
        memcpy(text_room(text, size), bytes, size);
    }
}

static void copy(struct text *to, const struct text *from)
{
    to->size = 0;
    put_bytes(to, from->data, from->size);
}

/* ------------------------------------------------------------------------------------------- power */

void journal_disk_begin(struct bight_simulation *simulation, void (*off)(void *context), void *context)
{
    memset(&all, 0, sizeof all);
    all.simulation = simulation;
    all.off = off;
    all.context = context;
    all.other = 1;
}

void journal_disk_end(void)
{
    for (size_t i = 0; i < 3; i++) {
        text_free(&all.images[i].now);
        text_free(&all.images[i].safe);
    }
}

void journal_disk_burn(unsigned operations)
{
    all.fuse = operations;
}

void journal_disk_trouble(unsigned chance)
{
    all.chance = chance;
}

void journal_disk_cut_off(bool has_power)
{
    all.is_off = true;
    all.has_power = has_power;
    all.fuse = 0;
}

bool journal_disk_is_off(void)
{
    return all.is_off;
}

/* Of what was not synced. */
static void lose(struct image *image)
{
    size_t safe = image->safe.size, now = image->now.size;
    if (now >= safe) {
        image->now.size = safe + draw_up_to(now - safe);
    } else if (draw_chance(50)) {
        copy(&image->now, &image->safe);
    }
    if (image->now.size > safe && draw_chance(20)) {
        size_t zeros = draw_up_to(image->now.size - safe);
        memset((char *)image->now.data + image->now.size - zeros, 0, zeros);
    }
    copy(&image->safe, &image->now);
}

void journal_disk_switch_on(void)
{
    if (!all.has_power) {
        all.named = draw_chance(50) ? all.named : all.safe_name;
        lose(&all.images[all.named]);
        all.safe_name = all.named;
    }
    all.is_off = all.is_open = false;
    all.life++;
}

bool journal_disk_is_safe(const char *beginning)
{
    const struct text *text = &all.images[all.safe_name].safe;
    size_t size = strlen(beginning);
    for (const char *line = (const char *)text->data, *end = line + text->size; line < end && line != NULL;) {
        if ((size_t)(end - line) >= size && memcmp(line, beginning, size) == 0) {
            return true;
        }
        line = memchr(line, '\n', (size_t)(end - line));
        line = line != NULL ? line + 1 : NULL;
    }
    return false;
}

/* One more operation. True: the power goes within it. */
static bool burns(void)
{
    return all.fuse > 0 && --all.fuse == 0;
}

/* It has gone; whoever has asked for the operation never learns what became of it. */
static int go_off(void)
{
    journal_disk_cut_off(false);
    all.off(all.context);
    return EIO;
}

static bool is_dead(const struct disk *disk)
{
    return all.is_off || disk->life != all.life;
}

/* ------------------------------------------------------------------------------------------- the file */

struct disk *disk_open(const char *path, int *number)
{
    (void)path;
    *number = all.is_off ? EIO : EWOULDBLOCK;
    if (all.is_off || all.is_open) {
        return NULL;
    }
    if (burns()) {
        *number = go_off();
        return NULL;
    }
    all.safe_name = all.named;
    struct disk *disk = calloc(1, sizeof *disk);
    disk->life = all.life;
    all.is_open = true;
    return disk;
}

void disk_close(struct disk *disk)
{
    if (disk != NULL && disk->life == all.life) {
        all.is_open = false;
    }
    free(disk);
}

int disk_read(struct disk *disk, off_t at, char *bytes, size_t *size)
{
    const struct text *text = &all.images[all.named].now;
    size_t left = text->size > (size_t)at ? text->size - (size_t)at : 0;
    *size = left < *size ? left : *size;
    if (*size > 0) {
        memcpy(bytes, (const char *)text->data + at, *size);
    }
    return is_dead(disk) ? EIO : 0;
}

static void sync_now(struct image *image)
{
    copy(&image->safe, &image->now);
}

int disk_append(struct disk *disk, const char *bytes, size_t size)
{
    struct image *image = &all.images[all.named];
    if (is_dead(disk)) {
        return EIO;
    }
    bool is_last = burns();
    if (is_last || draw_chance(all.chance)) {
        put_bytes(&image->now, bytes, draw_chance(30) ? size : draw_up_to(size));
        if (draw_chance(30)) {
            sync_now(image);
        }
        return is_last ? go_off() : ENOSPC;
    }
    put_bytes(&image->now, bytes, size);
    sync_now(image);
    return 0;
}

int disk_cut(struct disk *disk, off_t size)
{
    struct image *image = &all.images[all.named];
    if (is_dead(disk)) {
        return EIO;
    }
    bool is_last = burns(), fails = draw_chance(all.chance);
    if ((is_last || fails) && draw_chance(50)) {
        return is_last ? go_off() : EIO;
    }
    image->now.size = (size_t)size;
    if (is_last) {
        return go_off();
    }
    sync_now(image);
    return fails ? EIO : 0;
}

/* ------------------------------------------------------------------------------------------- another one */

int disk_begin_new(struct disk *disk)
{
    if (is_dead(disk)) {
        return EIO;
    }
    if (burns()) {
        return go_off();
    }
    all.other = 0;
    while (all.other == all.named || all.other == all.safe_name) {
        all.other++;
    }
    all.images[all.other].now.size = all.images[all.other].safe.size = 0;
    return draw_chance(all.chance) ? EACCES : 0;
}

int disk_add_new(struct disk *disk, const char *bytes, size_t size)
{
    if (is_dead(disk)) {
        return EIO;
    }
    if (burns()) {
        return go_off();
    }
    put_bytes(&all.images[all.other].now, bytes, size);
    return draw_chance(all.chance) ? ENOSPC : 0;
}

/* Synced, renamed, and the name synced: the power may go between any two. */
int disk_put_new(struct disk *disk, bool *is_certain)
{
    *is_certain = true;
    if (is_dead(disk)) {
        return EIO;
    }
    if (burns()) {
        return go_off();
    }
    sync_now(&all.images[all.other]);
    if (draw_chance(all.chance)) {
        return EACCES;
    }
    all.named = all.other;
    if (burns()) {
        return go_off();
    }
    *is_certain = !draw_chance(all.chance);
    if (*is_certain) {
        all.safe_name = all.named;
    }
    return *is_certain ? 0 : EIO;
}

void disk_drop_new(struct disk *disk)
{
    (void)disk;
}
