import { BlockList, isIP } from 'node:net';

const own = new BlockList();
own.addSubnet('0.0.0.0', 8, 'ipv4');
own.addSubnet('127.0.0.0', 8, 'ipv4');
own.addSubnet('169.254.0.0', 16, 'ipv4');
own.addAddress('::', 'ipv6');
own.addAddress('::1', 'ipv6');
own.addSubnet('fe80::', 10, 'ipv6');

const network = new BlockList();
for (const [address, prefix] of [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const) {
  network.addSubnet(address, prefix, 'ipv4');
}
network.addSubnet('fc00::', 7, 'ipv6');

const isIn = (list: BlockList, address: string): boolean => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');

/**
 * How far inside a URL's host lies, as far as its text tells: this machine and its link (with the metadata services of
 * clouds), an address of a private network, or neither. Names are not resolved: a company's mirror may well have one.
 */
export function placeOfHost({ hostname }: URL): 'machine' | 'network' | 'outside' {
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (host === 'localhost' || host.endsWith('.localhost')) return 'machine';
  if (isIP(host) === 0) return 'outside';
  if (isIn(own, host)) return 'machine';
  return isIn(network, host) ? 'network' : 'outside';
}
