/** `ports[0].name`, `reservations["node1/web"]`: as the engine's own messages write a path. */
export function pathOf([first, ...rest]: readonly PropertyKey[]): string {
  const step = (p: PropertyKey): string => {
    if (typeof p === "number") return `[${p}]`;
    return /^[A-Za-z_$][\w$]*$/.test(String(p)) ? `.${String(p)}` : `[${JSON.stringify(String(p))}]`;
  };
  return String(first ?? "") + rest.map(step).join("");
}
