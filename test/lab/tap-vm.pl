# The network of a virtual machine, and nothing else of one: it opens a macvtap's device, gives the link its own MAC
# address by it, as QEMU does when a guest asks for that, and answers ARP and echo requests to its IPv4 address.
#
#   perl tap-vm.pl DEVICE MAC-ADDRESS IPv4-ADDRESS
use strict;
use warnings;
use Fcntl qw(O_RDWR);
use Socket qw(inet_aton);

my ($device, $mac_address, $ip_address) = @ARGV;
my $mac = pack 'H12', $mac_address =~ s/://gr;
my $ip = inet_aton($ip_address);
my $broadcast = "\xff" x 6;

sysopen(my $tap, $device, O_RDWR) or die "$device: $!\n";
# linux/if_tun.h: TUNSETIFF with IFF_TAP | IFF_NO_PI and no IFF_VNET_HDR, so that a frame begins with its addresses
ioctl($tap, 0x400454ca, my $flags = pack('x16 s x22', 0x1002)) or die "TUNSETIFF: $!\n";
# linux/sockios.h: SIOCSIFHWADDR, for the link behind the device (drivers/net/tap.c, tap_ioctl)
ioctl($tap, 0x8924, my $request = pack('x16 S a6 x16', 1, $mac)) or die "SIOCSIFHWADDR: $!\n";

sub arp {
  my ($operation, $to_mac, $to_ip) = @_;
  my $to = $operation == 1 ? $broadcast : $to_mac;
  return $to . $mac . pack('n n n C C n', 0x0806, 1, 0x0800, 6, 4, $operation) . $mac . $ip . $to_mac . $to_ip;
}

sub checksum {
  my $sum = 0;
  $sum += $_ for unpack 'n*', length($_[0]) % 2 ? "$_[0]\0" : $_[0];
  $sum = ($sum & 0xffff) + ($sum >> 16) while $sum >> 16;
  return ~$sum & 0xffff;
}

sub echo_reply {
  my ($from_mac, $packet) = @_;
  my $header = substr $packet, 0, (ord($packet) & 15) * 4;
  my $length = unpack 'n', substr($header, 2, 2);
  my $message = substr $packet, length($header), $length - length($header);
  return unless ord(substr $header, 9, 1) == 1 && ord($message) == 8;
  # the sum over the header stays the same when its addresses change places
  substr($header, 12, 8) = $ip . substr($header, 12, 4);
  substr($message, 0, 4) = pack 'C C n', 0, 0, 0;
  substr($message, 2, 2) = pack 'n', checksum($message);
  return $from_mac . $mac . pack('n', 0x0800) . $header . $message;
}

sub answer {
  my ($from_mac, $type, $payload) = (substr($_[0], 6, 6), unpack('x12 n', $_[0]), substr($_[0], 14));
  if ($type == 0x0806) {
    my ($operation, $sender, $target) = unpack 'x6 n x6 a4 x6 a4', $payload;
    return arp(2, $from_mac, $sender) if $operation == 1 && $target eq $ip;
  }
  return echo_reply($from_mac, $payload) if $type == 0x0800 && substr($payload, 16, 4) eq $ip;
  return;
}

syswrite $tap, arp(1, "\0" x 6, $ip);
$| = 1;
print "runs\n";
while (sysread $tap, my $frame, 65536) {
  next if length $frame < 34;
  my $reply = answer($frame);
  syswrite $tap, $reply if defined $reply;
}
