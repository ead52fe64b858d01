/* Opens sockets of families that lead to the hypervisor, into the kernel or onto the wire. */
#include "attack.h"
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <sys/socket.h>

int main(void) {
  only_in_a_sandbox();
  report("vsock", socket(AF_VSOCK, SOCK_STREAM, 0));
  report("alg", socket(AF_ALG, SOCK_SEQPACKET, 0));
  report("packet", socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)));
  report("packet datagram", socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL)));
  report("raw", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
  report("key", socket(AF_KEY, SOCK_RAW, 2));
  report("xdp", socket(44, SOCK_RAW, 0));
  report("bluetooth", socket(AF_BLUETOOTH, SOCK_RAW, 1));
  report("can", socket(AF_CAN, SOCK_RAW, 1));
  report("tipc", socket(AF_TIPC, SOCK_RDM, 0));
  return 0;
}
