/** A resource as messages name it, and as those of one run are told apart: `MacvlanInterface "web"`. */
export function resourceName(type: string, name: string): string {
  return `${type} "${name}"`;
}
