# Builds the rules library, the command interopctl, the Lua host and the nginx
# module, and runs the tests. GNU make; `make help` lists the targets.
#
#   B=DIR        where everything is built (default build); two makes in one
#                tree at a time want two of them
#   CC=clang     another compiler          SAN=...    sanitizer flags
#   V=1          show the commands
#   NGX_SRC=DIR  an nginx source tree, or Debian's /usr/share/nginx/src

B       ?= build
override B := $(patsubst $(CURDIR)/%,%,$(abspath $(B)))
CC      := $(if $(filter default,$(origin CC)),gcc,$(CC))
SAN     ?=
NGX_SRC ?= /usr/share/nginx/src
NGX_BIN ?= /usr/sbin/nginx
PREFIX  ?= /usr
DESTDIR ?=
SECONDS ?= 60
JOBS    ?= $(shell nproc)

WARN    := -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wundef \
           -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wvla -Werror
BASE    := -std=c11 -D_GNU_SOURCE -O2 -g -fPIC -fvisibility=hidden $(SAN)
# yyjson: `make deps` unpacked it into build/deps, or the system has it
YY      := $(if $(wildcard build/deps/usr/include/yyjson.h),$(CURDIR)/build/deps/usr)
YY_LIB  := $(dir $(firstword $(wildcard $(YY)/lib/*/libyyjson.so)))
INCS    := $(if $(YY),-isystem $(YY)/include) -I. -Irules -I$(B)/gen
# gcc's sanitizers change expressions, and then it warns about its own
CFLAGS  := $(BASE) $(WARN) $(if $(SAN),-Wno-conversion -Wno-sign-conversion) $(EXTRA_CFLAGS)
RPATH   := -Wl,-rpath,'$$ORIGIN/lib:$$ORIGIN/../lib:$$ORIGIN/../lib/ngx_interop:$$ORIGIN/../../ngx_interop'
LIBS    := $(if $(YY_LIB),-L$(YY_LIB)) -lyyjson -lpcre2-8 -lmd4c -llmdb -lcrypto
Q       := $(if $(V),,@)
COMPILE  = $(CC) $(CFLAGS) $(INCS) -MMD -MP -c -o $@ $<
LINK     = $(CC) $(SAN) -o $@.new $(filter %.o %.a,$^) $(LIBS) $(RPATH) && mv $@.new $@

LIB_SRC   := $(filter-out rules/ctl/%,$(wildcard rules/*.c rules/*/*.c))
CTL_SRC   := $(wildcard rules/ctl/*.c)
LUA_SRC   := $(wildcard lua/*.c)
NGX_FILES := $(wildcard ngx_module/*.[ch])
# Tables: rules/AREA/NAME.pl prints $(B)/gen/NAME.inc, which AREA includes
GEN       := $(patsubst %.pl,$(B)/gen/%.inc,$(notdir $(wildcard rules/*/*.pl)))
UNIT      := $(patsubst t/unit/%.c,$(B)/unit/%,$(wildcard t/unit/*.c))
REPLAY    := $(patsubst t/fuzz/%.c,$(B)/replay/%,$(wildcard t/fuzz/*.c))
FUZZ      := $(patsubst t/fuzz/%.c,$(B)/fuzz/%,$(wildcard t/fuzz/*.c))
BENCH     := $(patsubst t/bench/%.c,$(B)/bench/%,$(wildcard t/bench/*.c))

LIB     := $(B)/libinterop.a
CTL     := $(if $(CTL_SRC),$(B)/interopctl)
LUAHOST := $(if $(LUA_SRC),$(B)/interop_lua.so)
MODULE  := $(if $(filter %.c,$(NGX_FILES)),$(B)/ngx_http_interop_module.so)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all lib unit replay module help deps demo test run-tests bench install \
        fmt lint fuzz soak compat asan run-asan valgrind clean

all: lib $(CTL) $(LUAHOST) $(MODULE)  ## library, interopctl, Lua host, nginx module
lib: $(LIB)
unit: $(UNIT)
replay: $(REPLAY)
module: $(MODULE)

help:
	@sed -n 's/^\([a-z][a-z-]*\):.*##/\1 -/p' Makefile

# ------------------------------------------------------------- compile, link

obj = $(patsubst %.c,$(B)/obj/%.o,$(1))

$(LIB): $(call obj,$(LIB_SRC))
	@echo '  ar   $@'; rm -f $@.new
	$(Q)ar rcsD $@.new $^ && mv $@.new $@

$(B)/obj/rules/%.o: rules/%.c | $(GEN) $(B)/lib
	@echo '  cc   $<'; mkdir -p $(@D)
	$(Q)$(COMPILE)

$(B)/obj/lua/%.o: lua/%.c
	@echo '  cc   $<'; mkdir -p $(@D)
	$(Q)$(COMPILE) $(shell pkg-config --cflags lua5.4)

$(B)/gen/%.inc:
	@echo '  gen  $@'; mkdir -p $(@D)
	$(Q)perl $< >$@.new && mv $@.new $@
$(foreach f,$(wildcard rules/*/*.pl),$(eval $(B)/gen/$(basename $(notdir $(f))).inc: $(f)))

# libyyjson beside what we build, where the system has none
$(B)/lib:
	@mkdir -p $@
	$(Q)$(if $(YY_LIB),cp -P $(YY_LIB)libyyjson.so* $@/)

$(B)/interopctl: $(call obj,$(CTL_SRC)) $(LIB)
	@echo '  link $@'
	$(Q)$(LINK)

$(B)/interop_lua.so: $(call obj,$(LUA_SRC))
	@echo '  link $@'
	$(Q)$(CC) $(SAN) -shared -o $@.new $^ $(shell pkg-config --libs lua5.4) -Wl,-z,defs && mv $@.new $@

# Tests are held to the same warnings, but for those about missing prototypes
$(B)/unit/% $(B)/bench/%: CFLAGS += -Wno-missing-prototypes
# ... and for what is interopctl's
$(B)/unit/unlist: $(call obj,rules/ctl/unlist.c rules/ctl/joint.c rules/ctl/ranks.c rules/ctl/words.c)
$(B)/unit/unlist: private LIBS := $(call obj,rules/ctl/unlist.c rules/ctl/joint.c rules/ctl/ranks.c rules/ctl/words.c) $(LIB) $(LIBS)
$(B)/unit/%: t/unit/%.c $(LIB) t/unit/tap.h | $(GEN)
	@echo '  test $@'; mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(INCS) -It/unit -MMD -MP -MT $@ -MF $@.d -o $@ $< $(LIB) $(LIBS) -lm -lpthread $(RPATH)

$(B)/bench/%: t/bench/%.c $(LIB) | $(GEN)
	@echo '  test $@'; mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(INCS) -MMD -MP -MT $@ -MF $@.d -o $@ $< $(LIB) $(LIBS) -lm -lpthread $(RPATH)

# A harness is LLVMFuzzerTestOneInput; t/lib/replay.c runs it over files
$(B)/replay/%: t/fuzz/%.c t/lib/replay.c $(LIB) | $(GEN)
	@echo '  test $@'; mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -Wno-missing-prototypes $(INCS) -MMD -MP -MT $@ -MF $@.d -o $@ $< t/lib/replay.c $(LIB) $(LIBS) $(RPATH)

$(B)/fuzz/%: t/fuzz/%.c $(LIB) | $(GEN)
	@echo '  fuzz $@'; mkdir -p $(@D)
	$(Q)clang $(CFLAGS) -fsanitize=fuzzer -Wno-missing-prototypes $(INCS) -MMD -MP -MT $@ -MF $@.d -o $@ $< $(LIB) $(LIBS) $(RPATH)

# ---------------------------------------------------------------- the module
# nginx's own build makes it, through ./config, in a copy of nginx's sources
# that is configured as the packaged nginx is.

NGX_TREE := $(B)/nginx
NGX_LIST := $(B)/nginx.files

# new when a file of ngx_module/ came or went, or when the tree was moved
$(shell mkdir -p $(B); printf '%s\n' $(CURDIR) $(sort $(NGX_FILES)) | cmp -s - $(NGX_LIST) || \
        printf '%s\n' $(CURDIR) $(sort $(NGX_FILES)) >$(NGX_LIST))

$(NGX_TREE)/objs/Makefile: Makefile config config.make $(NGX_LIST) $(wildcard $(NGX_SRC)/conf_flags $(NGX_BIN)) | $(LIB)
	@rm -rf $(NGX_TREE) && mkdir -p $(B) && cp -r $(NGX_SRC) $(NGX_TREE)
	@cd $(NGX_TREE) && NGX_CONF_FLAGS=(); \
	if [ -f conf_flags ]; then . ./conf_flags; else NGX_CONF_FLAGS=(--with-compat --with-threads); fi; \
	cc_opt=$$($(NGX_BIN) -V 2>&1 | sed -n "s/.*--with-cc-opt='\([^']*\)'.*/\1/p"); \
	INTEROP_BUILD=$(abspath $(B)) ./configure "$${NGX_CONF_FLAGS[@]}" \
	  --with-cc=$(CC) --with-cc-opt="$${cc_opt:--g -O2 -fPIC} $(SAN)" \
	  --with-ld-opt='-Wl,-z,relro -Wl,-z,now $(SAN)' \
	  --add-dynamic-module=$(CURDIR) >configure.log 2>&1 || { tail -n 5 configure.log; exit 1; }
$(NGX_TREE)/objs/Makefile: SHELL := /bin/bash

$(B)/ngx_http_interop_module.so: $(NGX_TREE)/objs/Makefile $(LIB) $(NGX_FILES) $(wildcard rules/*.h)
	@echo '  ngx  $@'
	$(Q)$(MAKE) --no-print-directory -C $(NGX_TREE) -f objs/Makefile B=$(abspath $(B)) modules $(if $(V),,>$(B)/nginx.log) || \
	  { tail -n 40 $(B)/nginx.log; exit 1; }
	$(Q)cp $(NGX_TREE)/objs/ngx_http_interop_module.so $@.new && mv $@.new $@

# --------------------------------------------------------------------- tests

deps:  ## what is missing, from Debian's packages
	@.ci/deps build test

test: deps  ## everything; ends with prove's summary
	@$(MAKE) --no-print-directory -j$(JOBS) run-tests

# a test that runs make is not to get the options of this one
PROVE = env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL T_REQUIRE=1 T_BUILD=$(abspath $(B)) prove -j$(JOBS)

run-tests: all $(UNIT) $(REPLAY)
	$(PROVE) t/

demo: deps  ## nginx with the policy pack on 127.0.0.1:8080 (ONCE=1: ends by itself)
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@T_BUILD=$(abspath $(B)) ONCE=$(ONCE) t/demo

# what any judge of bodies costs: a module that parses and does nothing else
PARSE := $(B)/bench/ngx_http_parse_module.so
$(PARSE): t/bench/module/ngx_http_parse_module.c $(MODULE) | $(B)/lib
	@echo '  ngx  $@'; mkdir -p $(@D)
	$(Q)cd $(NGX_TREE) && $(CC) -shared -O2 -fPIC $(if $(YY),-isystem $(YY)/include) -I src/core -I src/event \
	  -I src/event/modules -I src/os/unix -I objs -I src/http -I src/http/modules -I src/http/v2 -o $(abspath $@) \
	  $(abspath $<) $(if $(YY_LIB),-L$(YY_LIB)) -lyyjson -Wl,-rpath,'$$ORIGIN/../lib'

bench: all $(BENCH) $(PARSE)  ## t/bench/: one comparable line each
	@for b in $(BENCH) $(filter-out %.c %.h %/module,$(wildcard t/bench/*)); do T_BUILD=$(abspath $(B)) $$b || exit 1; done

# Both compile everything again, into folders of their own
asan:  ## the tests with AddressSanitizer and UBSan
	@$(MAKE) --no-print-directory -j$(JOBS) B=build/asan \
	  SAN='-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer' run-asan

run-asan: all $(UNIT) $(REPLAY)
	T_ASAN=1 $(PROVE) t/

soak: all  ## crashes, reloads and flips under load, longer: a hundred, a thousand, a hundred
	T_LONG=1 $(PROVE) t/560-crash.t t/570-reloads.t t/580-toggle.t

compat:  ## build with nginx 1.26 of Debian 13 and run the nginx tests with it
	@.ci/deps build test compat
	@$(MAKE) --no-print-directory -j$(JOBS) B=build/compat \
	  NGX_SRC=$(CURDIR)/build/trixie/usr/share/nginx/src \
	  NGX_BIN=$(CURDIR)/build/trixie/usr/sbin/nginx all unit replay
	T_NGINX=$(CURDIR)/build/trixie/usr/sbin/nginx $(MAKE) --no-print-directory B=build/compat run-compat

.PHONY: run-compat
run-compat:
	$(PROVE) $(wildcard t/4*.t t/5*.t t/61*.t)

valgrind: $(UNIT)  ## the unit tests under valgrind
	@for u in $(UNIT); do echo "$$u"; few=; [ "$${u##*/}" != agree ] || few='24 1 50000'; \
	  valgrind -q --leak-check=full --error-exitcode=9 $$u $$few >$$u.vg 2>&1 || \
	    { [ $$? = 1 ] && [ "$${u##*/}" = lua_hostile ] && echo "  (its budgets are of time, and valgrind's is another)"; } || \
	    { tail -n 40 $$u.vg; exit 1; }; done

fuzz:  ## each harness for SECONDS=60
	@$(MAKE) --no-print-directory -j$(JOBS) B=build/fuzz CC=clang \
	  SAN='-fsanitize=address,undefined,fuzzer-no-link' SECONDS=$(SECONDS) run-fuzz

.PHONY: run-fuzz
run-fuzz: $(FUZZ)
	@for f in $(FUZZ); do n=$${f##*/}; mkdir -p $(B)/corpus/$$n; echo "$$n"; \
	  $$f -max_total_time=$(SECONDS) -print_final_stats=1 -artifact_prefix=$(B)/corpus/ \
	    $(B)/corpus/$$n $$(ls -d t/fuzz/$$n.corpus 2>/dev/null) 2>$(B)/$$n.log || { tail -n 40 $(B)/$$n.log; exit 1; }; done

fmt:  ## clang-format over rules/ and lua/
	clang-format -i $(wildcard rules/*.[ch] rules/*/*.[ch] lua/*.[ch])

# What clang-tidy is not asked, and why:
# two parameters of a type beside each other are no mistake
TIDY_NOT := bugprone-easily-swappable-parameters
# _GNU_SOURCE is one of the names it means
TIDY_NOT += bugprone-reserved-identifier
# it wants memcpy_s and the like, which glibc does not have
TIDY_NOT += clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling
# -Wconversion, an error here, asks the same; this also minds char ? char : 'c'
TIDY_NOT += bugprone-narrowing-conversions
# spans have a length and no terminator
TIDY_NOT += bugprone-not-null-terminated-result
# arrays of pointers are allocated by sizeof(*array), which is a pointer's size
TIDY_NOT += bugprone-sizeof-expression

lint:  ## clang build, cppcheck, clang-tidy, t/lint.t
	@$(MAKE) --no-print-directory -j$(JOBS) B=build/clang CC=clang lib $(if $(CTL),build/clang/interopctl) unit
	cppcheck -q --std=c11 --enable=warning,portability --inline-suppr --error-exitcode=1 -j$(JOBS) \
	  --suppress=missingIncludeSystem -I. -Irules -I$(B)/gen rules $(if $(LUA_SRC),lua)
	printf '%s\n' $(LIB_SRC) $(CTL_SRC) | xargs -P$(JOBS) -I{} clang-tidy --quiet --warnings-as-errors='*' \
	  --checks='-*,bugprone-*,clang-analyzer-*$(subst $() ,,$(TIDY_NOT:%=,-%))' {} -- $(BASE) $(INCS)
	prove t/lint.t

# ------------------------------------------------------------------- install
# By rename: replacing a mapped module in place kills running workers.

put = install -d $(DESTDIR)$(2) && install -m $(3) $(1) $(DESTDIR)$(2)/.$(notdir $(1)).new && \
      mv -f $(DESTDIR)$(2)/.$(notdir $(1)).new $(DESTDIR)$(2)/$(notdir $(1))

install: all  ## into DESTDIR and PREFIX (default /usr)
	$(if $(CTL),$(call put,$(B)/interopctl,$(PREFIX)/bin,755))
	$(if $(CTL),$(call put,rules/ctl/interopctl.1,$(PREFIX)/share/man/man1,644))
	$(if $(MODULE),$(call put,$(B)/ngx_http_interop_module.so,$(PREFIX)/lib/nginx/modules,644))
	$(if $(LUAHOST),$(call put,$(B)/interop_lua.so,$(PREFIX)/lib/ngx_interop,644))
	$(if $(YY_LIB),$(call put,$(B)/lib/libyyjson.so.0,$(PREFIX)/lib/ngx_interop,644))
	$(foreach f,$(wildcard conf.d/apis/*.rules),$(call put,$(f),$(PREFIX)/share/ngx_interop/apis,644) &&) true
	$(foreach f,$(wildcard conf.d/policies/*.rules),$(call put,$(f),$(PREFIX)/share/ngx_interop/policies,644) &&) true
	$(foreach f,$(wildcard conf.d/*.rules conf.d/*.conf),$(call put,$(f),$(PREFIX)/share/ngx_interop,644) &&) true

clean:
	rm -rf $(filter-out build/deps build/trixie,$(wildcard build/*))

-include $(patsubst %.o,%.d,$(call obj,$(LIB_SRC) $(CTL_SRC) $(LUA_SRC)))
-include $(addsuffix .d,$(UNIT) $(REPLAY) $(FUZZ) $(BENCH))
