/*
** words.c -- word lists: text.list{...}, and is one of them in this text?
**
** Owns a list's form: a hash table over whole words and phrases, case folded in
** ASCII, made once where the script is loaded. A text is gone over once, with as
** many looks at each word as the longest phrase has words. Words are runs of
** letters, digits and bytes that are not ASCII; what lies between them counts as
** one space. Most words of a text begin as no entry does, and are passed over by
** their first two bytes.
*/
#include <string.h>
#include "host.h"

#define PHRASE_MAX  4u                  /* words of a phrase */
#define BYTES_MAX   96u                 /* bytes of a phrase, folded */
#define LIST_MAX    20000               /* entries */
#define BEGINS      4096u               /* bits, a power of two */

typedef struct { uint32_t at, n; } place_t;     /* in the bytes behind the table; n == 0: free */

typedef struct {
  uint32_t slots;                       /* a power of two */
  uint32_t longest;                     /* words of the longest phrase */
  unsigned char fold[256];              /* a byte of words in lower case; 0: of none */
  uint64_t begins[BEGINS / 64];         /* bit set: how entries begin, or words that look like them */
  place_t slot[];
} list_t;

static const char meta = 0;             /* key of the metatable */

typedef struct { unsigned char c[BYTES_MAX]; uint32_t n, words; } phrase_t;

static unsigned char fold(unsigned char c) {
  return c >= 'A' && c <= 'Z' ? (unsigned char) (c + 32) : c;
}

static bool in_word(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c >= 0x80;
}

/* appends the next word of s from *at on; false: there is none, or no room for it */
static bool add_word(phrase_t *p, interop_span_t s, size_t *at) {
  size_t i = *at;
  while (i < s.n && !in_word((unsigned char) s.p[i])) i++;
  *at = i;
  if (i == s.n) return false;
  if (p->words > 0 && p->n < BYTES_MAX) p->c[p->n++] = ' ';
  for (; i < s.n && in_word((unsigned char) s.p[i]); i++) {
    if (p->n == BYTES_MAX) break;
    p->c[p->n++] = fold((unsigned char) s.p[i]);
  }
  if (i < s.n && in_word((unsigned char) s.p[i])) return false;
  *at = i;
  p->words++;
  return true;
}

static void skip_word(interop_span_t s, size_t *at) {
  while (*at < s.n && in_word((unsigned char) s.p[*at])) ++*at;
}

static uint32_t hash(const phrase_t *p) {
  uint32_t h = 2166136261u;
  for (uint32_t i = 0; i < p->n; i++) h = (h ^ p->c[i]) * 16777619u;
  return h ^ h >> 15;
}

/* second: 0 where the first is all of the word */
static unsigned begin(unsigned char first, unsigned char second) {
  return (first * 61u + second) & (BEGINS - 1);
}

static void note_begin(list_t *l, const phrase_t *p) {
  unsigned b = begin(p->c[0], p->n > 1 && p->c[1] != ' ' ? p->c[1] : 0);
  l->begins[b / 64] |= (uint64_t) 1 << b % 64;
}

/* the next word that may be an entry's first, from *at on; *words goes up by those that were passed */
static bool find_begin(const list_t *l, interop_span_t s, size_t *at, uint64_t *words) {
  const unsigned char *p = (const unsigned char *) s.p;
  size_t i = *at;
  for (; i < s.n; ++*words) {
    unsigned b;
    while (i < s.n && l->fold[p[i]] == 0) i++;
    if (i == s.n) break;
    b = begin(l->fold[p[i]], i + 1 < s.n ? l->fold[p[i + 1]] : 0);
    if (l->begins[b / 64] >> b % 64 & 1) return *at = i, true;
    while (i < s.n && l->fold[p[i]] != 0) i++;
  }
  return false;
}

static char *bytes(list_t *l) {
  return (char *) (l->slot + l->slots);
}

/* the phrase's place, or the free one where it belongs; *looks goes up by the places looked at */
static place_t *find(list_t *l, const phrase_t *p, uint64_t *looks) {
  uint32_t i = hash(p) & (l->slots - 1);
  for (++*looks; l->slot[i].n != 0; ++*looks) {
    if (l->slot[i].n == p->n && memcmp(bytes(l) + l->slot[i].at, p->c, p->n) == 0) break;
    i = (i + 1) & (l->slots - 1);
  }
  return &l->slot[i];
}

/* what was looked at is charged for now and then */
static void charge_looks(lua_State *L, uint64_t *looks) {
  if (*looks < 256) return;
  in_lua_charge(L, *looks);
  *looks = 0;
}

static phrase_t entry(lua_State *L, int arg, lua_Integer i) {
  phrase_t p = { { 0 }, 0, 0 };
  interop_span_t s;
  size_t at = 0;
  if (lua_rawgeti(L, arg, i) != LUA_TSTRING) luaL_error(L, "a list holds texts");
  s = in_lua_text(L, -1);
  while (p.words < PHRASE_MAX && add_word(&p, s, &at)) { }
  while (at < s.n && !in_word((unsigned char) s.p[at])) at++;
  if (p.n == 0 || at < s.n) luaL_error(L, "an entry of a list has 1 to 4 words and 96 bytes: \"%s\"", s.p);
  lua_pop(L, 1);
  return p;
}

/* text.list{ "word", "a phrase" } */
static int new_list(lua_State *L) {
  lua_Integer n;
  size_t total = 0;
  uint64_t looks = 0;
  uint32_t slots = 8, top = 0;
  list_t *l;
  luaL_checktype(L, 1, LUA_TTABLE);
  n = (lua_Integer) lua_rawlen(L, 1);
  if (n > LIST_MAX) return luaL_error(L, "a list has at most %d entries", LIST_MAX);
  in_lua_charge(L, (uint64_t) n * 20);
  for (lua_Integer i = 1; i <= n; i++) total += entry(L, 1, i).n;
  while (slots < (uint32_t) n * 2) slots *= 2;
  in_lua_script(L)->phase = IN_LUA_OPENS;       /* nobody writes to it when it is made */
  l = lua_newuserdatauv(L, sizeof(*l) + slots * sizeof(l->slot[0]) + total, 0);
  in_lua_script(L)->phase = IN_LUA_RUNS;
  memset(l, 0, sizeof(*l) + slots * sizeof(l->slot[0]));
  l->slots = slots;
  for (unsigned c = 0; c < sizeof(l->fold); c++) l->fold[c] = in_word((unsigned char) c) ? fold((unsigned char) c) : 0;
  for (lua_Integer i = 1; i <= n; i++) {
    phrase_t p = entry(L, 1, i);
    place_t *to = find(l, &p, &looks);
    charge_looks(L, &looks);
    if (to->n != 0) continue;
    *to = (place_t) { top, p.n };
    note_begin(l, &p);
    memcpy(bytes(l) + top, p.c, p.n);
    top += p.n;
    if (p.words > l->longest) l->longest = p.words;
  }
  lua_rawgetp(L, LUA_REGISTRYINDEX, &meta);
  lua_setmetatable(L, -2);
  return 1;
}

static list_t *check_list(lua_State *L, int arg) {
  list_t *l = lua_touserdata(L, arg);
  bool is = l != NULL && lua_type(L, arg) == LUA_TUSERDATA && lua_getmetatable(L, arg);
  if (is) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &meta);
    is = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
  }
  if (!is) luaL_argerror(L, arg, "a list is wanted: text.list{...}");
  return l;
}

/* text.contains_any(text, list): the entry found first, or nil */
static int contains_any(lua_State *L) {
  interop_span_t s = in_lua_text(L, 1);
  list_t *l = check_list(L, 2);
  size_t at = 0;
  uint64_t looks = 0, words = 0;
  in_lua_charge_bytes(L, s.n * 4);
  for (; find_begin(l, s, &at, &words); words++) {
    phrase_t p;
    size_t end = at;
    p.n = p.words = 0;
    if (words >= 64) in_lua_charge(L, words * 3 * (uint64_t) (l->longest + 1)), words = 0;
    while (p.words < l->longest && add_word(&p, s, &end)) {
      const place_t *e = find(l, &p, &looks);
      charge_looks(L, &looks);
      if (e->n == 0) continue;
      lua_pushlstring(L, bytes(l) + e->at, e->n);
      return 1;
    }
    skip_word(s, &at);
  }
  lua_pushnil(L);
  return 1;
}

void in_lua_open_words(lua_State *L, int env) {
  static const luaL_Reg functions[] = { { "list", new_list }, { "contains_any", contains_any }, { NULL, NULL } };
  lua_newtable(L);
  in_lua_functions(L, functions);
  lua_setfield(L, env, "text");
  lua_newtable(L);
  in_lua_settle(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &meta);
}
