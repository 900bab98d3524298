/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* ALI_17: an alias is no pid, so it is given no name. */
/* expect: incompatible type */
#include <coppice/alias.h>

cop_status name_it(cop_alias alias);
cop_status name_it(cop_alias alias)
{
        return cop_register("reply", alias);
}
