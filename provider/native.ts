/**
 * The resources over the native provider, which a program gets with `pulumi-macvlan/native`.
 *
 * @packageDocumentation
 */
export type * from "./network/args";
export { MacvlanNetwork } from "./network/native";
export * from "./program/native";
