import type { HierarchyId } from '@sallyport/core/shared/ids';
import { encodeBase64 } from '@sallyport/core/wire/base64';
import {
  enrolRequestFormat,
  envelopeBytesOf,
  envelopeFields,
  exchangeAnswerFormat,
  exchangeRequestFormat,
  parseEnrolRequest,
} from '@sallyport/core/wire/exchange-messages';
import type { ExchangeService } from '@sallyport/engine/ports/exchange-service';
import { ExchangeError, type VendorExchange } from '@sallyport/engine/ports/vendor-exchange';

/** The way to an exchange desk that never fails by itself. What crosses is the bytes that HTTPS would carry. */
export class DeskExchange implements VendorExchange {
  readonly name = 'the vendor';
  readonly #desk: () => ExchangeService;

  /** @param desk of the process that runs now; throws `ExchangeError` when there is none */
  constructor(desk: () => ExchangeService) {
    this.#desk = desk;
  }

  async enrol(
    request: { readonly code: string; readonly hierarchyId: HierarchyId; readonly statement: Uint8Array },
    signal: AbortSignal,
  ): Promise<void> {
    signal.throwIfAborted();
    const { code, hierarchyId } = request;
    const sent = enrolRequestFormat.print({
      code,
      hierarchyId,
      statement: encodeBase64(request.statement),
    });
    const answer = await this.#desk().enrol(parseEnrolRequest(sent));
    if (answer.kind === 'refused') {
      throw new ExchangeError(answer.code, `the vendor's cloud refused: ${answer.message}`, {
        said: answer.code,
      });
    }
  }

  async exchange(
    envelopes: readonly Uint8Array[],
    signal: AbortSignal,
  ): ReturnType<VendorExchange['exchange']> {
    signal.throwIfAborted();
    const sent = exchangeRequestFormat.parse(
      exchangeRequestFormat.print({ envelopes: envelopeFields(envelopes) }),
    );
    const said = await this.#desk().exchange(sent.envelopes.map(envelopeBytesOf));
    const answer = exchangeAnswerFormat.parse(
      exchangeAnswerFormat.print({
        envelopes: envelopeFields(said.envelopes),
        refused: [...said.refused],
      }),
    );
    return { envelopes: answer.envelopes.map(envelopeBytesOf), refused: answer.refused };
  }
}
