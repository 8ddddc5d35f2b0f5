/** Bonds, which the lab's own kernel cannot make: on a guest with a stock kernel. */
import { bond } from "../../provider/kinds/bond";
import { LINKS, useForetold } from "../lab/foretold";
import { useLab } from "../lab/stack";
import { bondInputs } from "../unit/plan/states";
import { clean } from "./clean";

const HOST = "guest1";

describe("a bond", function () {
  this.timeout(240_000);
  const on = useLab(1, [{}]);

  afterEach(() => clean(on, [HOST]));

  describe("in the model of the kernel", () => {
    const { assertLives } = useForetold(on, HOST);

    it("is what any change of it to any other makes of it, with its ports, and its deletion", () =>
      assertLives(
        bond,
        bondInputs.map(({ ports, primary, ...inputs }) => ({
          ...inputs,
          ...(ports === undefined ? {} : { ports: ports.map(({ name }) => ({ name: LINKS[name] ?? name })) }),
          ...(primary === undefined ? {} : { primary: LINKS[primary] ?? primary }),
        })),
      ));
  });
});
