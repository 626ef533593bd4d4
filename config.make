# Appended to nginx's makefile: the library by our own. Always asked, so that a
# change in rules/ is seen; it answers at once when nothing is to be done.

cat << END                                                >> $NGX_MAKEFILE

$interop_build/libinterop.a:	interop-library

.PHONY:	interop-library
interop-library:
	\$(MAKE) -C $ngx_addon_dir B=$interop_build lib

END
