## The beginning of every script. `$D` is the folder for the lock, records and undo. Other users cannot read what is
## written.
LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
D=/run/pulumi-macvlan
export LC_ALL PATH
umask 077
