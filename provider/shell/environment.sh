## How every script begins. `$D` is the folder of what the host has to remember. No other user reads what is written.
LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
D=/run/pulumi-macvlan
export LC_ALL PATH
umask 077
