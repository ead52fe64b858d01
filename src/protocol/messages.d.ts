// Generated from messages.proto by scripts/generate-messages.ts: do not edit.
import type { Codec, DecodeOptions } from 'protons-runtime';
import type { Uint8ArrayList } from 'uint8arraylist';
export interface RequesterFrame {
    id: number;
    submit?: Submit;
    cancel?: Cancel;
    list?: List;
    show?: Show;
    follow?: Follow;
    credit?: Credit;
    unfollow?: Unfollow;
    pay?: Pay;
    account?: Account;
    close?: Close;
}
export declare namespace RequesterFrame {
    const codec: () => Codec<RequesterFrame>;
    interface RequesterFrameIdFieldEvent {
        field: '$.id';
        value: number;
    }
    interface RequesterFrameSubmitTaskSpecFieldEvent {
        field: '$.submit.task.spec';
        value: Uint8Array<ArrayBuffer>;
    }
    interface RequesterFrameSubmitTaskAuthorizationSpecDigestFieldEvent {
        field: '$.submit.task.authorization.specDigest';
        value: Uint8Array<ArrayBuffer>;
    }
    interface RequesterFrameSubmitTaskAuthorizationRequesterFieldEvent {
        field: '$.submit.task.authorization.requester';
        value: Uint8Array<ArrayBuffer>;
    }
    interface RequesterFrameSubmitTaskAuthorizationProviderFieldEvent {
        field: '$.submit.task.authorization.provider';
        value: Uint8Array<ArrayBuffer>;
    }
    interface RequesterFrameSubmitTaskAuthorizationNonceFieldEvent {
        field: '$.submit.task.authorization.nonce';
        value: Uint8Array<ArrayBuffer>;
    }
    interface RequesterFrameSubmitTaskAuthorizationExpiryMsFieldEvent {
        field: '$.submit.task.authorization.expiryMs';
        value: number;
    }
    interface RequesterFrameSubmitTaskAuthorizationMaxPriceWeiFieldEvent {
        field: '$.submit.task.authorization.maxPriceWei';
        value: string;
    }
    interface RequesterFrameSubmitTaskAuthorizationChainIdFieldEvent {
        field: '$.submit.task.authorization.chainId';
        value: number;
    }
    interface RequesterFrameSubmitTaskSignatureFieldEvent {
        field: '$.submit.task.signature';
        value: Uint8Array<ArrayBuffer>;
    }
    interface RequesterFrameSubmitFollowStdoutOffsetFieldEvent {
        field: '$.submit.follow.stdoutOffset';
        value: number;
    }
    interface RequesterFrameSubmitFollowStderrOffsetFieldEvent {
        field: '$.submit.follow.stderrOffset';
        value: number;
    }
    interface RequesterFrameSubmitFollowCreditFieldEvent {
        field: '$.submit.follow.credit';
        value: number;
    }
    interface RequesterFrameSubmitQuoteQuoteFieldEvent {
        field: '$.submit.quote.quote';
        value: Uint8Array<ArrayBuffer>;
    }
    interface RequesterFrameSubmitQuoteSignatureFieldEvent {
        field: '$.submit.quote.signature';
        value: Uint8Array<ArrayBuffer>;
    }
    interface RequesterFrameSubmitVoucherChainIdFieldEvent {
        field: '$.submit.voucher.chainId';
        value: number;
    }
    interface RequesterFrameSubmitVoucherContractFieldEvent {
        field: '$.submit.voucher.contract';
        value: Uint8Array<ArrayBuffer>;
    }
    interface RequesterFrameSubmitVoucherChannelPayerFieldEvent {
        field: '$.submit.voucher.channel.payer';
        value: Uint8Array<ArrayBuffer>;
    }
    interface RequesterFrameSubmitVoucherChannelPayeeFieldEvent {
        field: '$.submit.voucher.channel.payee';
        value: Uint8Array<ArrayBuffer>;
    }
    interface RequesterFrameSubmitVoucherChannelTokenFieldEvent {
        field: '$.submit.voucher.channel.token';
        value: Uint8Array<ArrayBuffer>;
    }
    interface RequesterFrameSubmitVoucherChannelNonceFieldEvent {
        field: '$.submit.voucher.channel.nonce';
        value: number;
    }
    interface RequesterFrameSubmitVoucherAmountWeiFieldEvent {
        field: '$.submit.voucher.amountWei';
        value: string;
    }
    interface RequesterFrameSubmitVoucherSignatureFieldEvent {
        field: '$.submit.voucher.signature';
        value: Uint8Array<ArrayBuffer>;
    }
    interface RequesterFrameCancelTaskIdFieldEvent {
        field: '$.cancel.taskId';
        value: Uint8Array<ArrayBuffer>;
    }
    interface RequesterFrameShowTaskIdFieldEvent {
        field: '$.show.taskId';
        value: Uint8Array<ArrayBuffer>;
    }
    interface RequesterFrameFollowTaskIdFieldEvent {
        field: '$.follow.taskId';
        value: Uint8Array<ArrayBuffer>;
    }
    interface RequesterFrameFollowFromStdoutOffsetFieldEvent {
        field: '$.follow.from.stdoutOffset';
        value: number;
    }
    interface RequesterFrameFollowFromStderrOffsetFieldEvent {
        field: '$.follow.from.stderrOffset';
        value: number;
    }
    interface RequesterFrameFollowFromCreditFieldEvent {
        field: '$.follow.from.credit';
        value: number;
    }
    interface RequesterFrameCreditBytesFieldEvent {
        field: '$.credit.bytes';
        value: number;
    }
    interface RequesterFramePayVoucherChainIdFieldEvent {
        field: '$.pay.voucher.chainId';
        value: number;
    }
    interface RequesterFramePayVoucherContractFieldEvent {
        field: '$.pay.voucher.contract';
        value: Uint8Array<ArrayBuffer>;
    }
    interface RequesterFramePayVoucherChannelPayerFieldEvent {
        field: '$.pay.voucher.channel.payer';
        value: Uint8Array<ArrayBuffer>;
    }
    interface RequesterFramePayVoucherChannelPayeeFieldEvent {
        field: '$.pay.voucher.channel.payee';
        value: Uint8Array<ArrayBuffer>;
    }
    interface RequesterFramePayVoucherChannelTokenFieldEvent {
        field: '$.pay.voucher.channel.token';
        value: Uint8Array<ArrayBuffer>;
    }
    interface RequesterFramePayVoucherChannelNonceFieldEvent {
        field: '$.pay.voucher.channel.nonce';
        value: number;
    }
    interface RequesterFramePayVoucherAmountWeiFieldEvent {
        field: '$.pay.voucher.amountWei';
        value: string;
    }
    interface RequesterFramePayVoucherSignatureFieldEvent {
        field: '$.pay.voucher.signature';
        value: Uint8Array<ArrayBuffer>;
    }
    interface RequesterFrameAccountChannelIdFieldEvent {
        field: '$.account.channelId';
        value: Uint8Array<ArrayBuffer>;
    }
    interface RequesterFrameCloseChannelIdFieldEvent {
        field: '$.close.channelId';
        value: Uint8Array<ArrayBuffer>;
    }
    function encode(obj: Partial<RequesterFrame>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RequesterFrame>): RequesterFrame;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RequesterFrame>): Generator<RequesterFrameIdFieldEvent | RequesterFrameSubmitTaskSpecFieldEvent | RequesterFrameSubmitTaskAuthorizationSpecDigestFieldEvent | RequesterFrameSubmitTaskAuthorizationRequesterFieldEvent | RequesterFrameSubmitTaskAuthorizationProviderFieldEvent | RequesterFrameSubmitTaskAuthorizationNonceFieldEvent | RequesterFrameSubmitTaskAuthorizationExpiryMsFieldEvent | RequesterFrameSubmitTaskAuthorizationMaxPriceWeiFieldEvent | RequesterFrameSubmitTaskAuthorizationChainIdFieldEvent | RequesterFrameSubmitTaskSignatureFieldEvent | RequesterFrameSubmitFollowStdoutOffsetFieldEvent | RequesterFrameSubmitFollowStderrOffsetFieldEvent | RequesterFrameSubmitFollowCreditFieldEvent | RequesterFrameSubmitQuoteQuoteFieldEvent | RequesterFrameSubmitQuoteSignatureFieldEvent | RequesterFrameSubmitVoucherChainIdFieldEvent | RequesterFrameSubmitVoucherContractFieldEvent | RequesterFrameSubmitVoucherChannelPayerFieldEvent | RequesterFrameSubmitVoucherChannelPayeeFieldEvent | RequesterFrameSubmitVoucherChannelTokenFieldEvent | RequesterFrameSubmitVoucherChannelNonceFieldEvent | RequesterFrameSubmitVoucherAmountWeiFieldEvent | RequesterFrameSubmitVoucherSignatureFieldEvent | RequesterFrameCancelTaskIdFieldEvent | RequesterFrameShowTaskIdFieldEvent | RequesterFrameFollowTaskIdFieldEvent | RequesterFrameFollowFromStdoutOffsetFieldEvent | RequesterFrameFollowFromStderrOffsetFieldEvent | RequesterFrameFollowFromCreditFieldEvent | RequesterFrameCreditBytesFieldEvent | RequesterFramePayVoucherChainIdFieldEvent | RequesterFramePayVoucherContractFieldEvent | RequesterFramePayVoucherChannelPayerFieldEvent | RequesterFramePayVoucherChannelPayeeFieldEvent | RequesterFramePayVoucherChannelTokenFieldEvent | RequesterFramePayVoucherChannelNonceFieldEvent | RequesterFramePayVoucherAmountWeiFieldEvent | RequesterFramePayVoucherSignatureFieldEvent | RequesterFrameAccountChannelIdFieldEvent | RequesterFrameCloseChannelIdFieldEvent>;
}
export interface ProviderFrame {
    id: number;
    accepted?: Accepted;
    done?: Done;
    list?: TaskList;
    task?: TaskSummary;
    event?: TaskEvent;
    error?: Error;
    statement?: Statement;
    consent?: CloseConsent;
}
export declare namespace ProviderFrame {
    const codec: () => Codec<ProviderFrame>;
    interface ProviderFrameIdFieldEvent {
        field: '$.id';
        value: number;
    }
    interface ProviderFrameAcceptedTaskIdFieldEvent {
        field: '$.accepted.taskId';
        value: Uint8Array<ArrayBuffer>;
    }
    interface ProviderFrameListTasksTaskIdFieldEvent {
        field: '$.list.tasks[].taskId';
        value: Uint8Array<ArrayBuffer>;
        index: number;
    }
    interface ProviderFrameListTasksNameFieldEvent {
        field: '$.list.tasks[].name';
        value: string;
        index: number;
    }
    interface ProviderFrameListTasksRuntimeFieldEvent {
        field: '$.list.tasks[].runtime';
        value: string;
        index: number;
    }
    interface ProviderFrameListTasksStateFieldEvent {
        field: '$.list.tasks[].state';
        value: string;
        index: number;
    }
    interface ProviderFrameListTasksAttemptsFieldEvent {
        field: '$.list.tasks[].attempts';
        value: number;
        index: number;
    }
    interface ProviderFrameListTasksAcceptedAtMsFieldEvent {
        field: '$.list.tasks[].acceptedAtMs';
        value: number;
        index: number;
    }
    interface ProviderFrameListTasksStartedAtMsFieldEvent {
        field: '$.list.tasks[].startedAtMs';
        value: number;
        index: number;
    }
    interface ProviderFrameListTasksFinishedAtMsFieldEvent {
        field: '$.list.tasks[].finishedAtMs';
        value: number;
        index: number;
    }
    interface ProviderFrameListTasksOutcomeExitedFieldEvent {
        field: '$.list.tasks[].outcome.exited';
        value: number;
        index: number;
    }
    interface ProviderFrameListTasksOutcomeKilledFieldEvent {
        field: '$.list.tasks[].outcome.killed';
        value: string;
        index: number;
    }
    interface ProviderFrameListTasksOutcomeTrappedFieldEvent {
        field: '$.list.tasks[].outcome.trapped';
        value: string;
        index: number;
    }
    interface ProviderFrameListTasksOutcomeLimitFieldEvent {
        field: '$.list.tasks[].outcome.limit';
        value: string;
        index: number;
    }
    interface ProviderFrameListTasksErrorCodeFieldEvent {
        field: '$.list.tasks[].errorCode';
        value: string;
        index: number;
    }
    interface ProviderFrameListTasksStdoutBytesFieldEvent {
        field: '$.list.tasks[].stdoutBytes';
        value: number;
        index: number;
    }
    interface ProviderFrameListTasksStderrBytesFieldEvent {
        field: '$.list.tasks[].stderrBytes';
        value: number;
        index: number;
    }
    interface ProviderFrameListMoreFieldEvent {
        field: '$.list.more';
        value: boolean;
    }
    interface ProviderFrameTaskTaskIdFieldEvent {
        field: '$.task.taskId';
        value: Uint8Array<ArrayBuffer>;
    }
    interface ProviderFrameTaskNameFieldEvent {
        field: '$.task.name';
        value: string;
    }
    interface ProviderFrameTaskRuntimeFieldEvent {
        field: '$.task.runtime';
        value: string;
    }
    interface ProviderFrameTaskStateFieldEvent {
        field: '$.task.state';
        value: string;
    }
    interface ProviderFrameTaskAttemptsFieldEvent {
        field: '$.task.attempts';
        value: number;
    }
    interface ProviderFrameTaskAcceptedAtMsFieldEvent {
        field: '$.task.acceptedAtMs';
        value: number;
    }
    interface ProviderFrameTaskStartedAtMsFieldEvent {
        field: '$.task.startedAtMs';
        value: number;
    }
    interface ProviderFrameTaskFinishedAtMsFieldEvent {
        field: '$.task.finishedAtMs';
        value: number;
    }
    interface ProviderFrameTaskOutcomeExitedFieldEvent {
        field: '$.task.outcome.exited';
        value: number;
    }
    interface ProviderFrameTaskOutcomeKilledFieldEvent {
        field: '$.task.outcome.killed';
        value: string;
    }
    interface ProviderFrameTaskOutcomeTrappedFieldEvent {
        field: '$.task.outcome.trapped';
        value: string;
    }
    interface ProviderFrameTaskOutcomeLimitFieldEvent {
        field: '$.task.outcome.limit';
        value: string;
    }
    interface ProviderFrameTaskErrorCodeFieldEvent {
        field: '$.task.errorCode';
        value: string;
    }
    interface ProviderFrameTaskStdoutBytesFieldEvent {
        field: '$.task.stdoutBytes';
        value: number;
    }
    interface ProviderFrameTaskStderrBytesFieldEvent {
        field: '$.task.stderrBytes';
        value: number;
    }
    interface ProviderFrameEventQueuedAtMsFieldEvent {
        field: '$.event.queued.atMs';
        value: number;
    }
    interface ProviderFrameEventQueuedPositionFieldEvent {
        field: '$.event.queued.position';
        value: number;
    }
    interface ProviderFrameEventPreparingAtMsFieldEvent {
        field: '$.event.preparing.atMs';
        value: number;
    }
    interface ProviderFrameEventPreparingFetchedBytesFieldEvent {
        field: '$.event.preparing.fetchedBytes';
        value: number;
    }
    interface ProviderFrameEventPreparingTotalBytesFieldEvent {
        field: '$.event.preparing.totalBytes';
        value: number;
    }
    interface ProviderFrameEventPreparingWhatFieldEvent {
        field: '$.event.preparing.what';
        value: Preparation;
    }
    interface ProviderFrameEventStartedAtMsFieldEvent {
        field: '$.event.started.atMs';
        value: number;
    }
    interface ProviderFrameEventStartedAttemptFieldEvent {
        field: '$.event.started.attempt';
        value: number;
    }
    interface ProviderFrameEventOutputStreamFieldEvent {
        field: '$.event.output.stream';
        value: OutputStream;
    }
    interface ProviderFrameEventOutputOffsetFieldEvent {
        field: '$.event.output.offset';
        value: number;
    }
    interface ProviderFrameEventOutputDataFieldEvent {
        field: '$.event.output.data';
        value: Uint8Array<ArrayBuffer>;
    }
    interface ProviderFrameEventFinishedAtMsFieldEvent {
        field: '$.event.finished.atMs';
        value: number;
    }
    interface ProviderFrameEventFinishedReceiptFieldEvent {
        field: '$.event.finished.receipt';
        value: Uint8Array<ArrayBuffer>;
    }
    interface ProviderFrameEventFinishedErrorCodeFieldEvent {
        field: '$.event.finished.error.code';
        value: string;
    }
    interface ProviderFrameEventFinishedErrorMessageFieldEvent {
        field: '$.event.finished.error.message';
        value: string;
    }
    interface ProviderFrameEventFinishedErrorFaultFieldEvent {
        field: '$.event.finished.error.fault';
        value: string;
    }
    interface ProviderFrameEventFinishedErrorPhaseFieldEvent {
        field: '$.event.finished.error.phase';
        value: string;
    }
    interface ProviderFrameEventFinishedErrorRetryableFieldEvent {
        field: '$.event.finished.error.retryable';
        value: boolean;
    }
    interface ProviderFrameEventFinishedErrorHintFieldEvent {
        field: '$.event.finished.error.hint';
        value: string;
    }
    interface ProviderFrameEventFinishedErrorDetailsFieldEvent {
        field: '$.event.finished.error.details';
        value: Uint8Array<ArrayBuffer>;
    }
    interface ProviderFrameErrorCodeFieldEvent {
        field: '$.error.code';
        value: string;
    }
    interface ProviderFrameErrorMessageFieldEvent {
        field: '$.error.message';
        value: string;
    }
    interface ProviderFrameErrorFaultFieldEvent {
        field: '$.error.fault';
        value: string;
    }
    interface ProviderFrameErrorPhaseFieldEvent {
        field: '$.error.phase';
        value: string;
    }
    interface ProviderFrameErrorRetryableFieldEvent {
        field: '$.error.retryable';
        value: boolean;
    }
    interface ProviderFrameErrorHintFieldEvent {
        field: '$.error.hint';
        value: string;
    }
    interface ProviderFrameErrorDetailsFieldEvent {
        field: '$.error.details';
        value: Uint8Array<ArrayBuffer>;
    }
    interface ProviderFrameStatementChannelIdFieldEvent {
        field: '$.statement.channelId';
        value: Uint8Array<ArrayBuffer>;
    }
    interface ProviderFrameStatementReceivedWeiFieldEvent {
        field: '$.statement.receivedWei';
        value: string;
    }
    interface ProviderFrameStatementChargedWeiFieldEvent {
        field: '$.statement.chargedWei';
        value: string;
    }
    interface ProviderFrameStatementReservedWeiFieldEvent {
        field: '$.statement.reservedWei';
        value: string;
    }
    interface ProviderFrameStatementCreditWeiFieldEvent {
        field: '$.statement.creditWei';
        value: string;
    }
    interface ProviderFrameStatementVoucherChainIdFieldEvent {
        field: '$.statement.voucher.chainId';
        value: number;
    }
    interface ProviderFrameStatementVoucherContractFieldEvent {
        field: '$.statement.voucher.contract';
        value: Uint8Array<ArrayBuffer>;
    }
    interface ProviderFrameStatementVoucherChannelPayerFieldEvent {
        field: '$.statement.voucher.channel.payer';
        value: Uint8Array<ArrayBuffer>;
    }
    interface ProviderFrameStatementVoucherChannelPayeeFieldEvent {
        field: '$.statement.voucher.channel.payee';
        value: Uint8Array<ArrayBuffer>;
    }
    interface ProviderFrameStatementVoucherChannelTokenFieldEvent {
        field: '$.statement.voucher.channel.token';
        value: Uint8Array<ArrayBuffer>;
    }
    interface ProviderFrameStatementVoucherChannelNonceFieldEvent {
        field: '$.statement.voucher.channel.nonce';
        value: number;
    }
    interface ProviderFrameStatementVoucherAmountWeiFieldEvent {
        field: '$.statement.voucher.amountWei';
        value: string;
    }
    interface ProviderFrameStatementVoucherSignatureFieldEvent {
        field: '$.statement.voucher.signature';
        value: Uint8Array<ArrayBuffer>;
    }
    interface ProviderFrameConsentChannelIdFieldEvent {
        field: '$.consent.channelId';
        value: Uint8Array<ArrayBuffer>;
    }
    interface ProviderFrameConsentAmountWeiFieldEvent {
        field: '$.consent.amountWei';
        value: string;
    }
    interface ProviderFrameConsentSignatureFieldEvent {
        field: '$.consent.signature';
        value: Uint8Array<ArrayBuffer>;
    }
    interface ProviderFrameConsentAuthorizationNodeFieldEvent {
        field: '$.consent.authorization.node';
        value: Uint8Array<ArrayBuffer>;
    }
    interface ProviderFrameConsentAuthorizationPayoutFieldEvent {
        field: '$.consent.authorization.payout';
        value: Uint8Array<ArrayBuffer>;
    }
    interface ProviderFrameConsentAuthorizationExpiryMsFieldEvent {
        field: '$.consent.authorization.expiryMs';
        value: number;
    }
    interface ProviderFrameConsentAuthorizationSignatureFieldEvent {
        field: '$.consent.authorization.signature';
        value: Uint8Array<ArrayBuffer>;
    }
    function encode(obj: Partial<ProviderFrame>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ProviderFrame>): ProviderFrame;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ProviderFrame>): Generator<ProviderFrameIdFieldEvent | ProviderFrameAcceptedTaskIdFieldEvent | ProviderFrameListTasksTaskIdFieldEvent | ProviderFrameListTasksNameFieldEvent | ProviderFrameListTasksRuntimeFieldEvent | ProviderFrameListTasksStateFieldEvent | ProviderFrameListTasksAttemptsFieldEvent | ProviderFrameListTasksAcceptedAtMsFieldEvent | ProviderFrameListTasksStartedAtMsFieldEvent | ProviderFrameListTasksFinishedAtMsFieldEvent | ProviderFrameListTasksOutcomeExitedFieldEvent | ProviderFrameListTasksOutcomeKilledFieldEvent | ProviderFrameListTasksOutcomeTrappedFieldEvent | ProviderFrameListTasksOutcomeLimitFieldEvent | ProviderFrameListTasksErrorCodeFieldEvent | ProviderFrameListTasksStdoutBytesFieldEvent | ProviderFrameListTasksStderrBytesFieldEvent | ProviderFrameListMoreFieldEvent | ProviderFrameTaskTaskIdFieldEvent | ProviderFrameTaskNameFieldEvent | ProviderFrameTaskRuntimeFieldEvent | ProviderFrameTaskStateFieldEvent | ProviderFrameTaskAttemptsFieldEvent | ProviderFrameTaskAcceptedAtMsFieldEvent | ProviderFrameTaskStartedAtMsFieldEvent | ProviderFrameTaskFinishedAtMsFieldEvent | ProviderFrameTaskOutcomeExitedFieldEvent | ProviderFrameTaskOutcomeKilledFieldEvent | ProviderFrameTaskOutcomeTrappedFieldEvent | ProviderFrameTaskOutcomeLimitFieldEvent | ProviderFrameTaskErrorCodeFieldEvent | ProviderFrameTaskStdoutBytesFieldEvent | ProviderFrameTaskStderrBytesFieldEvent | ProviderFrameEventQueuedAtMsFieldEvent | ProviderFrameEventQueuedPositionFieldEvent | ProviderFrameEventPreparingAtMsFieldEvent | ProviderFrameEventPreparingFetchedBytesFieldEvent | ProviderFrameEventPreparingTotalBytesFieldEvent | ProviderFrameEventPreparingWhatFieldEvent | ProviderFrameEventStartedAtMsFieldEvent | ProviderFrameEventStartedAttemptFieldEvent | ProviderFrameEventOutputStreamFieldEvent | ProviderFrameEventOutputOffsetFieldEvent | ProviderFrameEventOutputDataFieldEvent | ProviderFrameEventFinishedAtMsFieldEvent | ProviderFrameEventFinishedReceiptFieldEvent | ProviderFrameEventFinishedErrorCodeFieldEvent | ProviderFrameEventFinishedErrorMessageFieldEvent | ProviderFrameEventFinishedErrorFaultFieldEvent | ProviderFrameEventFinishedErrorPhaseFieldEvent | ProviderFrameEventFinishedErrorRetryableFieldEvent | ProviderFrameEventFinishedErrorHintFieldEvent | ProviderFrameEventFinishedErrorDetailsFieldEvent | ProviderFrameErrorCodeFieldEvent | ProviderFrameErrorMessageFieldEvent | ProviderFrameErrorFaultFieldEvent | ProviderFrameErrorPhaseFieldEvent | ProviderFrameErrorRetryableFieldEvent | ProviderFrameErrorHintFieldEvent | ProviderFrameErrorDetailsFieldEvent | ProviderFrameStatementChannelIdFieldEvent | ProviderFrameStatementReceivedWeiFieldEvent | ProviderFrameStatementChargedWeiFieldEvent | ProviderFrameStatementReservedWeiFieldEvent | ProviderFrameStatementCreditWeiFieldEvent | ProviderFrameStatementVoucherChainIdFieldEvent | ProviderFrameStatementVoucherContractFieldEvent | ProviderFrameStatementVoucherChannelPayerFieldEvent | ProviderFrameStatementVoucherChannelPayeeFieldEvent | ProviderFrameStatementVoucherChannelTokenFieldEvent | ProviderFrameStatementVoucherChannelNonceFieldEvent | ProviderFrameStatementVoucherAmountWeiFieldEvent | ProviderFrameStatementVoucherSignatureFieldEvent | ProviderFrameConsentChannelIdFieldEvent | ProviderFrameConsentAmountWeiFieldEvent | ProviderFrameConsentSignatureFieldEvent | ProviderFrameConsentAuthorizationNodeFieldEvent | ProviderFrameConsentAuthorizationPayoutFieldEvent | ProviderFrameConsentAuthorizationExpiryMsFieldEvent | ProviderFrameConsentAuthorizationSignatureFieldEvent>;
}
export interface Submit {
    task?: SignedTask;
    follow?: FollowFrom;
    quote?: SignedQuote;
    voucher?: Voucher;
}
export declare namespace Submit {
    const codec: () => Codec<Submit>;
    interface SubmitTaskSpecFieldEvent {
        field: '$.task.spec';
        value: Uint8Array<ArrayBuffer>;
    }
    interface SubmitTaskAuthorizationSpecDigestFieldEvent {
        field: '$.task.authorization.specDigest';
        value: Uint8Array<ArrayBuffer>;
    }
    interface SubmitTaskAuthorizationRequesterFieldEvent {
        field: '$.task.authorization.requester';
        value: Uint8Array<ArrayBuffer>;
    }
    interface SubmitTaskAuthorizationProviderFieldEvent {
        field: '$.task.authorization.provider';
        value: Uint8Array<ArrayBuffer>;
    }
    interface SubmitTaskAuthorizationNonceFieldEvent {
        field: '$.task.authorization.nonce';
        value: Uint8Array<ArrayBuffer>;
    }
    interface SubmitTaskAuthorizationExpiryMsFieldEvent {
        field: '$.task.authorization.expiryMs';
        value: number;
    }
    interface SubmitTaskAuthorizationMaxPriceWeiFieldEvent {
        field: '$.task.authorization.maxPriceWei';
        value: string;
    }
    interface SubmitTaskAuthorizationChainIdFieldEvent {
        field: '$.task.authorization.chainId';
        value: number;
    }
    interface SubmitTaskSignatureFieldEvent {
        field: '$.task.signature';
        value: Uint8Array<ArrayBuffer>;
    }
    interface SubmitFollowStdoutOffsetFieldEvent {
        field: '$.follow.stdoutOffset';
        value: number;
    }
    interface SubmitFollowStderrOffsetFieldEvent {
        field: '$.follow.stderrOffset';
        value: number;
    }
    interface SubmitFollowCreditFieldEvent {
        field: '$.follow.credit';
        value: number;
    }
    interface SubmitQuoteQuoteFieldEvent {
        field: '$.quote.quote';
        value: Uint8Array<ArrayBuffer>;
    }
    interface SubmitQuoteSignatureFieldEvent {
        field: '$.quote.signature';
        value: Uint8Array<ArrayBuffer>;
    }
    interface SubmitVoucherChainIdFieldEvent {
        field: '$.voucher.chainId';
        value: number;
    }
    interface SubmitVoucherContractFieldEvent {
        field: '$.voucher.contract';
        value: Uint8Array<ArrayBuffer>;
    }
    interface SubmitVoucherChannelPayerFieldEvent {
        field: '$.voucher.channel.payer';
        value: Uint8Array<ArrayBuffer>;
    }
    interface SubmitVoucherChannelPayeeFieldEvent {
        field: '$.voucher.channel.payee';
        value: Uint8Array<ArrayBuffer>;
    }
    interface SubmitVoucherChannelTokenFieldEvent {
        field: '$.voucher.channel.token';
        value: Uint8Array<ArrayBuffer>;
    }
    interface SubmitVoucherChannelNonceFieldEvent {
        field: '$.voucher.channel.nonce';
        value: number;
    }
    interface SubmitVoucherAmountWeiFieldEvent {
        field: '$.voucher.amountWei';
        value: string;
    }
    interface SubmitVoucherSignatureFieldEvent {
        field: '$.voucher.signature';
        value: Uint8Array<ArrayBuffer>;
    }
    function encode(obj: Partial<Submit>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Submit>): Submit;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Submit>): Generator<SubmitTaskSpecFieldEvent | SubmitTaskAuthorizationSpecDigestFieldEvent | SubmitTaskAuthorizationRequesterFieldEvent | SubmitTaskAuthorizationProviderFieldEvent | SubmitTaskAuthorizationNonceFieldEvent | SubmitTaskAuthorizationExpiryMsFieldEvent | SubmitTaskAuthorizationMaxPriceWeiFieldEvent | SubmitTaskAuthorizationChainIdFieldEvent | SubmitTaskSignatureFieldEvent | SubmitFollowStdoutOffsetFieldEvent | SubmitFollowStderrOffsetFieldEvent | SubmitFollowCreditFieldEvent | SubmitQuoteQuoteFieldEvent | SubmitQuoteSignatureFieldEvent | SubmitVoucherChainIdFieldEvent | SubmitVoucherContractFieldEvent | SubmitVoucherChannelPayerFieldEvent | SubmitVoucherChannelPayeeFieldEvent | SubmitVoucherChannelTokenFieldEvent | SubmitVoucherChannelNonceFieldEvent | SubmitVoucherAmountWeiFieldEvent | SubmitVoucherSignatureFieldEvent>;
}
export interface SignedQuote {
    quote: Uint8Array<ArrayBuffer>;
    signature: Uint8Array<ArrayBuffer>;
}
export declare namespace SignedQuote {
    const codec: () => Codec<SignedQuote>;
    interface SignedQuoteQuoteFieldEvent {
        field: '$.quote';
        value: Uint8Array<ArrayBuffer>;
    }
    interface SignedQuoteSignatureFieldEvent {
        field: '$.signature';
        value: Uint8Array<ArrayBuffer>;
    }
    function encode(obj: Partial<SignedQuote>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SignedQuote>): SignedQuote;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SignedQuote>): Generator<SignedQuoteQuoteFieldEvent | SignedQuoteSignatureFieldEvent>;
}
export interface ChannelKey {
    payer: Uint8Array<ArrayBuffer>;
    payee: Uint8Array<ArrayBuffer>;
    token: Uint8Array<ArrayBuffer>;
    nonce: number;
}
export declare namespace ChannelKey {
    const codec: () => Codec<ChannelKey>;
    interface ChannelKeyPayerFieldEvent {
        field: '$.payer';
        value: Uint8Array<ArrayBuffer>;
    }
    interface ChannelKeyPayeeFieldEvent {
        field: '$.payee';
        value: Uint8Array<ArrayBuffer>;
    }
    interface ChannelKeyTokenFieldEvent {
        field: '$.token';
        value: Uint8Array<ArrayBuffer>;
    }
    interface ChannelKeyNonceFieldEvent {
        field: '$.nonce';
        value: number;
    }
    function encode(obj: Partial<ChannelKey>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ChannelKey>): ChannelKey;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ChannelKey>): Generator<ChannelKeyPayerFieldEvent | ChannelKeyPayeeFieldEvent | ChannelKeyTokenFieldEvent | ChannelKeyNonceFieldEvent>;
}
export interface Voucher {
    chainId: number;
    contract: Uint8Array<ArrayBuffer>;
    channel?: ChannelKey;
    amountWei: string;
    signature: Uint8Array<ArrayBuffer>;
}
export declare namespace Voucher {
    const codec: () => Codec<Voucher>;
    interface VoucherChainIdFieldEvent {
        field: '$.chainId';
        value: number;
    }
    interface VoucherContractFieldEvent {
        field: '$.contract';
        value: Uint8Array<ArrayBuffer>;
    }
    interface VoucherChannelPayerFieldEvent {
        field: '$.channel.payer';
        value: Uint8Array<ArrayBuffer>;
    }
    interface VoucherChannelPayeeFieldEvent {
        field: '$.channel.payee';
        value: Uint8Array<ArrayBuffer>;
    }
    interface VoucherChannelTokenFieldEvent {
        field: '$.channel.token';
        value: Uint8Array<ArrayBuffer>;
    }
    interface VoucherChannelNonceFieldEvent {
        field: '$.channel.nonce';
        value: number;
    }
    interface VoucherAmountWeiFieldEvent {
        field: '$.amountWei';
        value: string;
    }
    interface VoucherSignatureFieldEvent {
        field: '$.signature';
        value: Uint8Array<ArrayBuffer>;
    }
    function encode(obj: Partial<Voucher>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Voucher>): Voucher;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Voucher>): Generator<VoucherChainIdFieldEvent | VoucherContractFieldEvent | VoucherChannelPayerFieldEvent | VoucherChannelPayeeFieldEvent | VoucherChannelTokenFieldEvent | VoucherChannelNonceFieldEvent | VoucherAmountWeiFieldEvent | VoucherSignatureFieldEvent>;
}
export interface Pay {
    voucher?: Voucher;
}
export declare namespace Pay {
    const codec: () => Codec<Pay>;
    interface PayVoucherChainIdFieldEvent {
        field: '$.voucher.chainId';
        value: number;
    }
    interface PayVoucherContractFieldEvent {
        field: '$.voucher.contract';
        value: Uint8Array<ArrayBuffer>;
    }
    interface PayVoucherChannelPayerFieldEvent {
        field: '$.voucher.channel.payer';
        value: Uint8Array<ArrayBuffer>;
    }
    interface PayVoucherChannelPayeeFieldEvent {
        field: '$.voucher.channel.payee';
        value: Uint8Array<ArrayBuffer>;
    }
    interface PayVoucherChannelTokenFieldEvent {
        field: '$.voucher.channel.token';
        value: Uint8Array<ArrayBuffer>;
    }
    interface PayVoucherChannelNonceFieldEvent {
        field: '$.voucher.channel.nonce';
        value: number;
    }
    interface PayVoucherAmountWeiFieldEvent {
        field: '$.voucher.amountWei';
        value: string;
    }
    interface PayVoucherSignatureFieldEvent {
        field: '$.voucher.signature';
        value: Uint8Array<ArrayBuffer>;
    }
    function encode(obj: Partial<Pay>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Pay>): Pay;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Pay>): Generator<PayVoucherChainIdFieldEvent | PayVoucherContractFieldEvent | PayVoucherChannelPayerFieldEvent | PayVoucherChannelPayeeFieldEvent | PayVoucherChannelTokenFieldEvent | PayVoucherChannelNonceFieldEvent | PayVoucherAmountWeiFieldEvent | PayVoucherSignatureFieldEvent>;
}
export interface Account {
    channelId: Uint8Array<ArrayBuffer>;
}
export declare namespace Account {
    const codec: () => Codec<Account>;
    interface AccountChannelIdFieldEvent {
        field: '$.channelId';
        value: Uint8Array<ArrayBuffer>;
    }
    function encode(obj: Partial<Account>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Account>): Account;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Account>): Generator<AccountChannelIdFieldEvent>;
}
export interface Statement {
    channelId: Uint8Array<ArrayBuffer>;
    receivedWei: string;
    chargedWei: string;
    reservedWei: string;
    creditWei: string;
    voucher?: Voucher;
}
export declare namespace Statement {
    const codec: () => Codec<Statement>;
    interface StatementChannelIdFieldEvent {
        field: '$.channelId';
        value: Uint8Array<ArrayBuffer>;
    }
    interface StatementReceivedWeiFieldEvent {
        field: '$.receivedWei';
        value: string;
    }
    interface StatementChargedWeiFieldEvent {
        field: '$.chargedWei';
        value: string;
    }
    interface StatementReservedWeiFieldEvent {
        field: '$.reservedWei';
        value: string;
    }
    interface StatementCreditWeiFieldEvent {
        field: '$.creditWei';
        value: string;
    }
    interface StatementVoucherChainIdFieldEvent {
        field: '$.voucher.chainId';
        value: number;
    }
    interface StatementVoucherContractFieldEvent {
        field: '$.voucher.contract';
        value: Uint8Array<ArrayBuffer>;
    }
    interface StatementVoucherChannelPayerFieldEvent {
        field: '$.voucher.channel.payer';
        value: Uint8Array<ArrayBuffer>;
    }
    interface StatementVoucherChannelPayeeFieldEvent {
        field: '$.voucher.channel.payee';
        value: Uint8Array<ArrayBuffer>;
    }
    interface StatementVoucherChannelTokenFieldEvent {
        field: '$.voucher.channel.token';
        value: Uint8Array<ArrayBuffer>;
    }
    interface StatementVoucherChannelNonceFieldEvent {
        field: '$.voucher.channel.nonce';
        value: number;
    }
    interface StatementVoucherAmountWeiFieldEvent {
        field: '$.voucher.amountWei';
        value: string;
    }
    interface StatementVoucherSignatureFieldEvent {
        field: '$.voucher.signature';
        value: Uint8Array<ArrayBuffer>;
    }
    function encode(obj: Partial<Statement>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Statement>): Statement;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Statement>): Generator<StatementChannelIdFieldEvent | StatementReceivedWeiFieldEvent | StatementChargedWeiFieldEvent | StatementReservedWeiFieldEvent | StatementCreditWeiFieldEvent | StatementVoucherChainIdFieldEvent | StatementVoucherContractFieldEvent | StatementVoucherChannelPayerFieldEvent | StatementVoucherChannelPayeeFieldEvent | StatementVoucherChannelTokenFieldEvent | StatementVoucherChannelNonceFieldEvent | StatementVoucherAmountWeiFieldEvent | StatementVoucherSignatureFieldEvent>;
}
export interface Close {
    channelId: Uint8Array<ArrayBuffer>;
}
export declare namespace Close {
    const codec: () => Codec<Close>;
    interface CloseChannelIdFieldEvent {
        field: '$.channelId';
        value: Uint8Array<ArrayBuffer>;
    }
    function encode(obj: Partial<Close>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Close>): Close;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Close>): Generator<CloseChannelIdFieldEvent>;
}
export interface CloseConsent {
    channelId: Uint8Array<ArrayBuffer>;
    amountWei: string;
    signature: Uint8Array<ArrayBuffer>;
    authorization?: PayoutAuthorization;
}
export declare namespace CloseConsent {
    const codec: () => Codec<CloseConsent>;
    interface CloseConsentChannelIdFieldEvent {
        field: '$.channelId';
        value: Uint8Array<ArrayBuffer>;
    }
    interface CloseConsentAmountWeiFieldEvent {
        field: '$.amountWei';
        value: string;
    }
    interface CloseConsentSignatureFieldEvent {
        field: '$.signature';
        value: Uint8Array<ArrayBuffer>;
    }
    interface CloseConsentAuthorizationNodeFieldEvent {
        field: '$.authorization.node';
        value: Uint8Array<ArrayBuffer>;
    }
    interface CloseConsentAuthorizationPayoutFieldEvent {
        field: '$.authorization.payout';
        value: Uint8Array<ArrayBuffer>;
    }
    interface CloseConsentAuthorizationExpiryMsFieldEvent {
        field: '$.authorization.expiryMs';
        value: number;
    }
    interface CloseConsentAuthorizationSignatureFieldEvent {
        field: '$.authorization.signature';
        value: Uint8Array<ArrayBuffer>;
    }
    function encode(obj: Partial<CloseConsent>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<CloseConsent>): CloseConsent;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<CloseConsent>): Generator<CloseConsentChannelIdFieldEvent | CloseConsentAmountWeiFieldEvent | CloseConsentSignatureFieldEvent | CloseConsentAuthorizationNodeFieldEvent | CloseConsentAuthorizationPayoutFieldEvent | CloseConsentAuthorizationExpiryMsFieldEvent | CloseConsentAuthorizationSignatureFieldEvent>;
}
export interface PayoutAuthorization {
    node: Uint8Array<ArrayBuffer>;
    payout: Uint8Array<ArrayBuffer>;
    expiryMs: number;
    signature: Uint8Array<ArrayBuffer>;
}
export declare namespace PayoutAuthorization {
    const codec: () => Codec<PayoutAuthorization>;
    interface PayoutAuthorizationNodeFieldEvent {
        field: '$.node';
        value: Uint8Array<ArrayBuffer>;
    }
    interface PayoutAuthorizationPayoutFieldEvent {
        field: '$.payout';
        value: Uint8Array<ArrayBuffer>;
    }
    interface PayoutAuthorizationExpiryMsFieldEvent {
        field: '$.expiryMs';
        value: number;
    }
    interface PayoutAuthorizationSignatureFieldEvent {
        field: '$.signature';
        value: Uint8Array<ArrayBuffer>;
    }
    function encode(obj: Partial<PayoutAuthorization>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<PayoutAuthorization>): PayoutAuthorization;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<PayoutAuthorization>): Generator<PayoutAuthorizationNodeFieldEvent | PayoutAuthorizationPayoutFieldEvent | PayoutAuthorizationExpiryMsFieldEvent | PayoutAuthorizationSignatureFieldEvent>;
}
export interface SignedTask {
    spec: Uint8Array<ArrayBuffer>;
    authorization?: Authorization;
    signature: Uint8Array<ArrayBuffer>;
}
export declare namespace SignedTask {
    const codec: () => Codec<SignedTask>;
    interface SignedTaskSpecFieldEvent {
        field: '$.spec';
        value: Uint8Array<ArrayBuffer>;
    }
    interface SignedTaskAuthorizationSpecDigestFieldEvent {
        field: '$.authorization.specDigest';
        value: Uint8Array<ArrayBuffer>;
    }
    interface SignedTaskAuthorizationRequesterFieldEvent {
        field: '$.authorization.requester';
        value: Uint8Array<ArrayBuffer>;
    }
    interface SignedTaskAuthorizationProviderFieldEvent {
        field: '$.authorization.provider';
        value: Uint8Array<ArrayBuffer>;
    }
    interface SignedTaskAuthorizationNonceFieldEvent {
        field: '$.authorization.nonce';
        value: Uint8Array<ArrayBuffer>;
    }
    interface SignedTaskAuthorizationExpiryMsFieldEvent {
        field: '$.authorization.expiryMs';
        value: number;
    }
    interface SignedTaskAuthorizationMaxPriceWeiFieldEvent {
        field: '$.authorization.maxPriceWei';
        value: string;
    }
    interface SignedTaskAuthorizationChainIdFieldEvent {
        field: '$.authorization.chainId';
        value: number;
    }
    interface SignedTaskSignatureFieldEvent {
        field: '$.signature';
        value: Uint8Array<ArrayBuffer>;
    }
    function encode(obj: Partial<SignedTask>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SignedTask>): SignedTask;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SignedTask>): Generator<SignedTaskSpecFieldEvent | SignedTaskAuthorizationSpecDigestFieldEvent | SignedTaskAuthorizationRequesterFieldEvent | SignedTaskAuthorizationProviderFieldEvent | SignedTaskAuthorizationNonceFieldEvent | SignedTaskAuthorizationExpiryMsFieldEvent | SignedTaskAuthorizationMaxPriceWeiFieldEvent | SignedTaskAuthorizationChainIdFieldEvent | SignedTaskSignatureFieldEvent>;
}
export interface Authorization {
    specDigest: Uint8Array<ArrayBuffer>;
    requester: Uint8Array<ArrayBuffer>;
    provider: Uint8Array<ArrayBuffer>;
    nonce: Uint8Array<ArrayBuffer>;
    expiryMs: number;
    maxPriceWei: string;
    chainId: number;
}
export declare namespace Authorization {
    const codec: () => Codec<Authorization>;
    interface AuthorizationSpecDigestFieldEvent {
        field: '$.specDigest';
        value: Uint8Array<ArrayBuffer>;
    }
    interface AuthorizationRequesterFieldEvent {
        field: '$.requester';
        value: Uint8Array<ArrayBuffer>;
    }
    interface AuthorizationProviderFieldEvent {
        field: '$.provider';
        value: Uint8Array<ArrayBuffer>;
    }
    interface AuthorizationNonceFieldEvent {
        field: '$.nonce';
        value: Uint8Array<ArrayBuffer>;
    }
    interface AuthorizationExpiryMsFieldEvent {
        field: '$.expiryMs';
        value: number;
    }
    interface AuthorizationMaxPriceWeiFieldEvent {
        field: '$.maxPriceWei';
        value: string;
    }
    interface AuthorizationChainIdFieldEvent {
        field: '$.chainId';
        value: number;
    }
    function encode(obj: Partial<Authorization>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Authorization>): Authorization;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Authorization>): Generator<AuthorizationSpecDigestFieldEvent | AuthorizationRequesterFieldEvent | AuthorizationProviderFieldEvent | AuthorizationNonceFieldEvent | AuthorizationExpiryMsFieldEvent | AuthorizationMaxPriceWeiFieldEvent | AuthorizationChainIdFieldEvent>;
}
export interface Accepted {
    taskId: Uint8Array<ArrayBuffer>;
}
export declare namespace Accepted {
    const codec: () => Codec<Accepted>;
    interface AcceptedTaskIdFieldEvent {
        field: '$.taskId';
        value: Uint8Array<ArrayBuffer>;
    }
    function encode(obj: Partial<Accepted>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Accepted>): Accepted;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Accepted>): Generator<AcceptedTaskIdFieldEvent>;
}
export interface Cancel {
    taskId: Uint8Array<ArrayBuffer>;
}
export declare namespace Cancel {
    const codec: () => Codec<Cancel>;
    interface CancelTaskIdFieldEvent {
        field: '$.taskId';
        value: Uint8Array<ArrayBuffer>;
    }
    function encode(obj: Partial<Cancel>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Cancel>): Cancel;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Cancel>): Generator<CancelTaskIdFieldEvent>;
}
export interface List {
}
export declare namespace List {
    const codec: () => Codec<List>;
    function encode(obj: Partial<List>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<List>): List;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<List>): Generator<{}>;
}
export interface Show {
    taskId: Uint8Array<ArrayBuffer>;
}
export declare namespace Show {
    const codec: () => Codec<Show>;
    interface ShowTaskIdFieldEvent {
        field: '$.taskId';
        value: Uint8Array<ArrayBuffer>;
    }
    function encode(obj: Partial<Show>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Show>): Show;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Show>): Generator<ShowTaskIdFieldEvent>;
}
export interface Follow {
    taskId: Uint8Array<ArrayBuffer>;
    from?: FollowFrom;
}
export declare namespace Follow {
    const codec: () => Codec<Follow>;
    interface FollowTaskIdFieldEvent {
        field: '$.taskId';
        value: Uint8Array<ArrayBuffer>;
    }
    interface FollowFromStdoutOffsetFieldEvent {
        field: '$.from.stdoutOffset';
        value: number;
    }
    interface FollowFromStderrOffsetFieldEvent {
        field: '$.from.stderrOffset';
        value: number;
    }
    interface FollowFromCreditFieldEvent {
        field: '$.from.credit';
        value: number;
    }
    function encode(obj: Partial<Follow>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Follow>): Follow;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Follow>): Generator<FollowTaskIdFieldEvent | FollowFromStdoutOffsetFieldEvent | FollowFromStderrOffsetFieldEvent | FollowFromCreditFieldEvent>;
}
export interface FollowFrom {
    stdoutOffset: number;
    stderrOffset: number;
    credit: number;
}
export declare namespace FollowFrom {
    const codec: () => Codec<FollowFrom>;
    interface FollowFromStdoutOffsetFieldEvent {
        field: '$.stdoutOffset';
        value: number;
    }
    interface FollowFromStderrOffsetFieldEvent {
        field: '$.stderrOffset';
        value: number;
    }
    interface FollowFromCreditFieldEvent {
        field: '$.credit';
        value: number;
    }
    function encode(obj: Partial<FollowFrom>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<FollowFrom>): FollowFrom;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<FollowFrom>): Generator<FollowFromStdoutOffsetFieldEvent | FollowFromStderrOffsetFieldEvent | FollowFromCreditFieldEvent>;
}
export interface Credit {
    bytes: number;
}
export declare namespace Credit {
    const codec: () => Codec<Credit>;
    interface CreditBytesFieldEvent {
        field: '$.bytes';
        value: number;
    }
    function encode(obj: Partial<Credit>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Credit>): Credit;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Credit>): Generator<CreditBytesFieldEvent>;
}
export interface Unfollow {
}
export declare namespace Unfollow {
    const codec: () => Codec<Unfollow>;
    function encode(obj: Partial<Unfollow>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Unfollow>): Unfollow;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Unfollow>): Generator<{}>;
}
export interface Done {
}
export declare namespace Done {
    const codec: () => Codec<Done>;
    function encode(obj: Partial<Done>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Done>): Done;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Done>): Generator<{}>;
}
export interface TaskList {
    tasks: TaskSummary[];
    more: boolean;
}
export declare namespace TaskList {
    const codec: () => Codec<TaskList>;
    interface TaskListTasksTaskIdFieldEvent {
        field: '$.tasks[].taskId';
        value: Uint8Array<ArrayBuffer>;
        index: number;
    }
    interface TaskListTasksNameFieldEvent {
        field: '$.tasks[].name';
        value: string;
        index: number;
    }
    interface TaskListTasksRuntimeFieldEvent {
        field: '$.tasks[].runtime';
        value: string;
        index: number;
    }
    interface TaskListTasksStateFieldEvent {
        field: '$.tasks[].state';
        value: string;
        index: number;
    }
    interface TaskListTasksAttemptsFieldEvent {
        field: '$.tasks[].attempts';
        value: number;
        index: number;
    }
    interface TaskListTasksAcceptedAtMsFieldEvent {
        field: '$.tasks[].acceptedAtMs';
        value: number;
        index: number;
    }
    interface TaskListTasksStartedAtMsFieldEvent {
        field: '$.tasks[].startedAtMs';
        value: number;
        index: number;
    }
    interface TaskListTasksFinishedAtMsFieldEvent {
        field: '$.tasks[].finishedAtMs';
        value: number;
        index: number;
    }
    interface TaskListTasksOutcomeExitedFieldEvent {
        field: '$.tasks[].outcome.exited';
        value: number;
        index: number;
    }
    interface TaskListTasksOutcomeKilledFieldEvent {
        field: '$.tasks[].outcome.killed';
        value: string;
        index: number;
    }
    interface TaskListTasksOutcomeTrappedFieldEvent {
        field: '$.tasks[].outcome.trapped';
        value: string;
        index: number;
    }
    interface TaskListTasksOutcomeLimitFieldEvent {
        field: '$.tasks[].outcome.limit';
        value: string;
        index: number;
    }
    interface TaskListTasksErrorCodeFieldEvent {
        field: '$.tasks[].errorCode';
        value: string;
        index: number;
    }
    interface TaskListTasksStdoutBytesFieldEvent {
        field: '$.tasks[].stdoutBytes';
        value: number;
        index: number;
    }
    interface TaskListTasksStderrBytesFieldEvent {
        field: '$.tasks[].stderrBytes';
        value: number;
        index: number;
    }
    interface TaskListMoreFieldEvent {
        field: '$.more';
        value: boolean;
    }
    function encode(obj: Partial<TaskList>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<TaskList>): TaskList;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<TaskList>): Generator<TaskListTasksTaskIdFieldEvent | TaskListTasksNameFieldEvent | TaskListTasksRuntimeFieldEvent | TaskListTasksStateFieldEvent | TaskListTasksAttemptsFieldEvent | TaskListTasksAcceptedAtMsFieldEvent | TaskListTasksStartedAtMsFieldEvent | TaskListTasksFinishedAtMsFieldEvent | TaskListTasksOutcomeExitedFieldEvent | TaskListTasksOutcomeKilledFieldEvent | TaskListTasksOutcomeTrappedFieldEvent | TaskListTasksOutcomeLimitFieldEvent | TaskListTasksErrorCodeFieldEvent | TaskListTasksStdoutBytesFieldEvent | TaskListTasksStderrBytesFieldEvent | TaskListMoreFieldEvent>;
}
export interface TaskSummary {
    taskId: Uint8Array<ArrayBuffer>;
    name: string;
    runtime: string;
    state: string;
    attempts: number;
    acceptedAtMs: number;
    startedAtMs?: number;
    finishedAtMs?: number;
    outcome?: Outcome;
    errorCode?: string;
    stdoutBytes: number;
    stderrBytes: number;
}
export declare namespace TaskSummary {
    const codec: () => Codec<TaskSummary>;
    interface TaskSummaryTaskIdFieldEvent {
        field: '$.taskId';
        value: Uint8Array<ArrayBuffer>;
    }
    interface TaskSummaryNameFieldEvent {
        field: '$.name';
        value: string;
    }
    interface TaskSummaryRuntimeFieldEvent {
        field: '$.runtime';
        value: string;
    }
    interface TaskSummaryStateFieldEvent {
        field: '$.state';
        value: string;
    }
    interface TaskSummaryAttemptsFieldEvent {
        field: '$.attempts';
        value: number;
    }
    interface TaskSummaryAcceptedAtMsFieldEvent {
        field: '$.acceptedAtMs';
        value: number;
    }
    interface TaskSummaryStartedAtMsFieldEvent {
        field: '$.startedAtMs';
        value: number;
    }
    interface TaskSummaryFinishedAtMsFieldEvent {
        field: '$.finishedAtMs';
        value: number;
    }
    interface TaskSummaryOutcomeExitedFieldEvent {
        field: '$.outcome.exited';
        value: number;
    }
    interface TaskSummaryOutcomeKilledFieldEvent {
        field: '$.outcome.killed';
        value: string;
    }
    interface TaskSummaryOutcomeTrappedFieldEvent {
        field: '$.outcome.trapped';
        value: string;
    }
    interface TaskSummaryOutcomeLimitFieldEvent {
        field: '$.outcome.limit';
        value: string;
    }
    interface TaskSummaryErrorCodeFieldEvent {
        field: '$.errorCode';
        value: string;
    }
    interface TaskSummaryStdoutBytesFieldEvent {
        field: '$.stdoutBytes';
        value: number;
    }
    interface TaskSummaryStderrBytesFieldEvent {
        field: '$.stderrBytes';
        value: number;
    }
    function encode(obj: Partial<TaskSummary>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<TaskSummary>): TaskSummary;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<TaskSummary>): Generator<TaskSummaryTaskIdFieldEvent | TaskSummaryNameFieldEvent | TaskSummaryRuntimeFieldEvent | TaskSummaryStateFieldEvent | TaskSummaryAttemptsFieldEvent | TaskSummaryAcceptedAtMsFieldEvent | TaskSummaryStartedAtMsFieldEvent | TaskSummaryFinishedAtMsFieldEvent | TaskSummaryOutcomeExitedFieldEvent | TaskSummaryOutcomeKilledFieldEvent | TaskSummaryOutcomeTrappedFieldEvent | TaskSummaryOutcomeLimitFieldEvent | TaskSummaryErrorCodeFieldEvent | TaskSummaryStdoutBytesFieldEvent | TaskSummaryStderrBytesFieldEvent>;
}
export interface Outcome {
    exited?: number;
    killed?: string;
    trapped?: string;
    limit?: string;
    cancelled?: Cancelled;
}
export declare namespace Outcome {
    const codec: () => Codec<Outcome>;
    interface OutcomeExitedFieldEvent {
        field: '$.exited';
        value: number;
    }
    interface OutcomeKilledFieldEvent {
        field: '$.killed';
        value: string;
    }
    interface OutcomeTrappedFieldEvent {
        field: '$.trapped';
        value: string;
    }
    interface OutcomeLimitFieldEvent {
        field: '$.limit';
        value: string;
    }
    function encode(obj: Partial<Outcome>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Outcome>): Outcome;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Outcome>): Generator<OutcomeExitedFieldEvent | OutcomeKilledFieldEvent | OutcomeTrappedFieldEvent | OutcomeLimitFieldEvent>;
}
export interface Cancelled {
}
export declare namespace Cancelled {
    const codec: () => Codec<Cancelled>;
    function encode(obj: Partial<Cancelled>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Cancelled>): Cancelled;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Cancelled>): Generator<{}>;
}
export interface TaskEvent {
    queued?: Queued;
    preparing?: Preparing;
    started?: Started;
    output?: Output;
    finished?: Finished;
}
export declare namespace TaskEvent {
    const codec: () => Codec<TaskEvent>;
    interface TaskEventQueuedAtMsFieldEvent {
        field: '$.queued.atMs';
        value: number;
    }
    interface TaskEventQueuedPositionFieldEvent {
        field: '$.queued.position';
        value: number;
    }
    interface TaskEventPreparingAtMsFieldEvent {
        field: '$.preparing.atMs';
        value: number;
    }
    interface TaskEventPreparingFetchedBytesFieldEvent {
        field: '$.preparing.fetchedBytes';
        value: number;
    }
    interface TaskEventPreparingTotalBytesFieldEvent {
        field: '$.preparing.totalBytes';
        value: number;
    }
    interface TaskEventPreparingWhatFieldEvent {
        field: '$.preparing.what';
        value: Preparation;
    }
    interface TaskEventStartedAtMsFieldEvent {
        field: '$.started.atMs';
        value: number;
    }
    interface TaskEventStartedAttemptFieldEvent {
        field: '$.started.attempt';
        value: number;
    }
    interface TaskEventOutputStreamFieldEvent {
        field: '$.output.stream';
        value: OutputStream;
    }
    interface TaskEventOutputOffsetFieldEvent {
        field: '$.output.offset';
        value: number;
    }
    interface TaskEventOutputDataFieldEvent {
        field: '$.output.data';
        value: Uint8Array<ArrayBuffer>;
    }
    interface TaskEventFinishedAtMsFieldEvent {
        field: '$.finished.atMs';
        value: number;
    }
    interface TaskEventFinishedReceiptFieldEvent {
        field: '$.finished.receipt';
        value: Uint8Array<ArrayBuffer>;
    }
    interface TaskEventFinishedErrorCodeFieldEvent {
        field: '$.finished.error.code';
        value: string;
    }
    interface TaskEventFinishedErrorMessageFieldEvent {
        field: '$.finished.error.message';
        value: string;
    }
    interface TaskEventFinishedErrorFaultFieldEvent {
        field: '$.finished.error.fault';
        value: string;
    }
    interface TaskEventFinishedErrorPhaseFieldEvent {
        field: '$.finished.error.phase';
        value: string;
    }
    interface TaskEventFinishedErrorRetryableFieldEvent {
        field: '$.finished.error.retryable';
        value: boolean;
    }
    interface TaskEventFinishedErrorHintFieldEvent {
        field: '$.finished.error.hint';
        value: string;
    }
    interface TaskEventFinishedErrorDetailsFieldEvent {
        field: '$.finished.error.details';
        value: Uint8Array<ArrayBuffer>;
    }
    function encode(obj: Partial<TaskEvent>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<TaskEvent>): TaskEvent;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<TaskEvent>): Generator<TaskEventQueuedAtMsFieldEvent | TaskEventQueuedPositionFieldEvent | TaskEventPreparingAtMsFieldEvent | TaskEventPreparingFetchedBytesFieldEvent | TaskEventPreparingTotalBytesFieldEvent | TaskEventPreparingWhatFieldEvent | TaskEventStartedAtMsFieldEvent | TaskEventStartedAttemptFieldEvent | TaskEventOutputStreamFieldEvent | TaskEventOutputOffsetFieldEvent | TaskEventOutputDataFieldEvent | TaskEventFinishedAtMsFieldEvent | TaskEventFinishedReceiptFieldEvent | TaskEventFinishedErrorCodeFieldEvent | TaskEventFinishedErrorMessageFieldEvent | TaskEventFinishedErrorFaultFieldEvent | TaskEventFinishedErrorPhaseFieldEvent | TaskEventFinishedErrorRetryableFieldEvent | TaskEventFinishedErrorHintFieldEvent | TaskEventFinishedErrorDetailsFieldEvent>;
}
export interface Queued {
    atMs: number;
    position: number;
}
export declare namespace Queued {
    const codec: () => Codec<Queued>;
    interface QueuedAtMsFieldEvent {
        field: '$.atMs';
        value: number;
    }
    interface QueuedPositionFieldEvent {
        field: '$.position';
        value: number;
    }
    function encode(obj: Partial<Queued>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Queued>): Queued;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Queued>): Generator<QueuedAtMsFieldEvent | QueuedPositionFieldEvent>;
}
export interface Preparing {
    atMs: number;
    fetchedBytes: number;
    totalBytes: number;
    what: Preparation;
}
export declare namespace Preparing {
    const codec: () => Codec<Preparing>;
    interface PreparingAtMsFieldEvent {
        field: '$.atMs';
        value: number;
    }
    interface PreparingFetchedBytesFieldEvent {
        field: '$.fetchedBytes';
        value: number;
    }
    interface PreparingTotalBytesFieldEvent {
        field: '$.totalBytes';
        value: number;
    }
    interface PreparingWhatFieldEvent {
        field: '$.what';
        value: Preparation;
    }
    function encode(obj: Partial<Preparing>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Preparing>): Preparing;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Preparing>): Generator<PreparingAtMsFieldEvent | PreparingFetchedBytesFieldEvent | PreparingTotalBytesFieldEvent | PreparingWhatFieldEvent>;
}
export declare enum Preparation {
    INPUTS = "INPUTS",
    IMAGE = "IMAGE"
}
export declare namespace Preparation {
    const codec: () => Codec<Preparation>;
}
export interface Started {
    atMs: number;
    attempt: number;
}
export declare namespace Started {
    const codec: () => Codec<Started>;
    interface StartedAtMsFieldEvent {
        field: '$.atMs';
        value: number;
    }
    interface StartedAttemptFieldEvent {
        field: '$.attempt';
        value: number;
    }
    function encode(obj: Partial<Started>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Started>): Started;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Started>): Generator<StartedAtMsFieldEvent | StartedAttemptFieldEvent>;
}
export declare enum OutputStream {
    STDOUT = "STDOUT",
    STDERR = "STDERR"
}
export declare namespace OutputStream {
    const codec: () => Codec<OutputStream>;
}
export interface Output {
    stream: OutputStream;
    offset: number;
    data: Uint8Array<ArrayBuffer>;
}
export declare namespace Output {
    const codec: () => Codec<Output>;
    interface OutputStreamFieldEvent {
        field: '$.stream';
        value: OutputStream;
    }
    interface OutputOffsetFieldEvent {
        field: '$.offset';
        value: number;
    }
    interface OutputDataFieldEvent {
        field: '$.data';
        value: Uint8Array<ArrayBuffer>;
    }
    function encode(obj: Partial<Output>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Output>): Output;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Output>): Generator<OutputStreamFieldEvent | OutputOffsetFieldEvent | OutputDataFieldEvent>;
}
export interface Finished {
    atMs: number;
    receipt?: Uint8Array<ArrayBuffer>;
    error?: Error;
}
export declare namespace Finished {
    const codec: () => Codec<Finished>;
    interface FinishedAtMsFieldEvent {
        field: '$.atMs';
        value: number;
    }
    interface FinishedReceiptFieldEvent {
        field: '$.receipt';
        value: Uint8Array<ArrayBuffer>;
    }
    interface FinishedErrorCodeFieldEvent {
        field: '$.error.code';
        value: string;
    }
    interface FinishedErrorMessageFieldEvent {
        field: '$.error.message';
        value: string;
    }
    interface FinishedErrorFaultFieldEvent {
        field: '$.error.fault';
        value: string;
    }
    interface FinishedErrorPhaseFieldEvent {
        field: '$.error.phase';
        value: string;
    }
    interface FinishedErrorRetryableFieldEvent {
        field: '$.error.retryable';
        value: boolean;
    }
    interface FinishedErrorHintFieldEvent {
        field: '$.error.hint';
        value: string;
    }
    interface FinishedErrorDetailsFieldEvent {
        field: '$.error.details';
        value: Uint8Array<ArrayBuffer>;
    }
    function encode(obj: Partial<Finished>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Finished>): Finished;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Finished>): Generator<FinishedAtMsFieldEvent | FinishedReceiptFieldEvent | FinishedErrorCodeFieldEvent | FinishedErrorMessageFieldEvent | FinishedErrorFaultFieldEvent | FinishedErrorPhaseFieldEvent | FinishedErrorRetryableFieldEvent | FinishedErrorHintFieldEvent | FinishedErrorDetailsFieldEvent>;
}
export interface Error {
    code: string;
    message: string;
    fault: string;
    phase: string;
    retryable: boolean;
    hint: string;
    details: Uint8Array<ArrayBuffer>;
}
export declare namespace Error {
    const codec: () => Codec<Error>;
    interface ErrorCodeFieldEvent {
        field: '$.code';
        value: string;
    }
    interface ErrorMessageFieldEvent {
        field: '$.message';
        value: string;
    }
    interface ErrorFaultFieldEvent {
        field: '$.fault';
        value: string;
    }
    interface ErrorPhaseFieldEvent {
        field: '$.phase';
        value: string;
    }
    interface ErrorRetryableFieldEvent {
        field: '$.retryable';
        value: boolean;
    }
    interface ErrorHintFieldEvent {
        field: '$.hint';
        value: string;
    }
    interface ErrorDetailsFieldEvent {
        field: '$.details';
        value: Uint8Array<ArrayBuffer>;
    }
    function encode(obj: Partial<Error>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Error>): Error;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Error>): Generator<ErrorCodeFieldEvent | ErrorMessageFieldEvent | ErrorFaultFieldEvent | ErrorPhaseFieldEvent | ErrorRetryableFieldEvent | ErrorHintFieldEvent | ErrorDetailsFieldEvent>;
}
export interface BlobRequest {
    sha256: Uint8Array<ArrayBuffer>;
    offset: number;
    length: number;
}
export declare namespace BlobRequest {
    const codec: () => Codec<BlobRequest>;
    interface BlobRequestSha256FieldEvent {
        field: '$.sha256';
        value: Uint8Array<ArrayBuffer>;
    }
    interface BlobRequestOffsetFieldEvent {
        field: '$.offset';
        value: number;
    }
    interface BlobRequestLengthFieldEvent {
        field: '$.length';
        value: number;
    }
    function encode(obj: Partial<BlobRequest>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<BlobRequest>): BlobRequest;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<BlobRequest>): Generator<BlobRequestSha256FieldEvent | BlobRequestOffsetFieldEvent | BlobRequestLengthFieldEvent>;
}
export interface BlobResponse {
    chunk?: BlobChunk;
    error?: Error;
}
export declare namespace BlobResponse {
    const codec: () => Codec<BlobResponse>;
    interface BlobResponseChunkOffsetFieldEvent {
        field: '$.chunk.offset';
        value: number;
    }
    interface BlobResponseChunkTotalBytesFieldEvent {
        field: '$.chunk.totalBytes';
        value: number;
    }
    interface BlobResponseChunkDataFieldEvent {
        field: '$.chunk.data';
        value: Uint8Array<ArrayBuffer>;
    }
    interface BlobResponseErrorCodeFieldEvent {
        field: '$.error.code';
        value: string;
    }
    interface BlobResponseErrorMessageFieldEvent {
        field: '$.error.message';
        value: string;
    }
    interface BlobResponseErrorFaultFieldEvent {
        field: '$.error.fault';
        value: string;
    }
    interface BlobResponseErrorPhaseFieldEvent {
        field: '$.error.phase';
        value: string;
    }
    interface BlobResponseErrorRetryableFieldEvent {
        field: '$.error.retryable';
        value: boolean;
    }
    interface BlobResponseErrorHintFieldEvent {
        field: '$.error.hint';
        value: string;
    }
    interface BlobResponseErrorDetailsFieldEvent {
        field: '$.error.details';
        value: Uint8Array<ArrayBuffer>;
    }
    function encode(obj: Partial<BlobResponse>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<BlobResponse>): BlobResponse;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<BlobResponse>): Generator<BlobResponseChunkOffsetFieldEvent | BlobResponseChunkTotalBytesFieldEvent | BlobResponseChunkDataFieldEvent | BlobResponseErrorCodeFieldEvent | BlobResponseErrorMessageFieldEvent | BlobResponseErrorFaultFieldEvent | BlobResponseErrorPhaseFieldEvent | BlobResponseErrorRetryableFieldEvent | BlobResponseErrorHintFieldEvent | BlobResponseErrorDetailsFieldEvent>;
}
export interface BlobChunk {
    offset: number;
    totalBytes: number;
    data: Uint8Array<ArrayBuffer>;
}
export declare namespace BlobChunk {
    const codec: () => Codec<BlobChunk>;
    interface BlobChunkOffsetFieldEvent {
        field: '$.offset';
        value: number;
    }
    interface BlobChunkTotalBytesFieldEvent {
        field: '$.totalBytes';
        value: number;
    }
    interface BlobChunkDataFieldEvent {
        field: '$.data';
        value: Uint8Array<ArrayBuffer>;
    }
    function encode(obj: Partial<BlobChunk>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<BlobChunk>): BlobChunk;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<BlobChunk>): Generator<BlobChunkOffsetFieldEvent | BlobChunkTotalBytesFieldEvent | BlobChunkDataFieldEvent>;
}
export interface SignedOffer {
    offer: Uint8Array<ArrayBuffer>;
    signature: Uint8Array<ArrayBuffer>;
}
export declare namespace SignedOffer {
    const codec: () => Codec<SignedOffer>;
    interface SignedOfferOfferFieldEvent {
        field: '$.offer';
        value: Uint8Array<ArrayBuffer>;
    }
    interface SignedOfferSignatureFieldEvent {
        field: '$.signature';
        value: Uint8Array<ArrayBuffer>;
    }
    function encode(obj: Partial<SignedOffer>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SignedOffer>): SignedOffer;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SignedOffer>): Generator<SignedOfferOfferFieldEvent | SignedOfferSignatureFieldEvent>;
}
export interface OffersRequest {
    runtime: string;
    features: string[];
    provider: Uint8Array<ArrayBuffer>;
    after: Uint8Array<ArrayBuffer>;
}
export declare namespace OffersRequest {
    const codec: () => Codec<OffersRequest>;
    interface OffersRequestRuntimeFieldEvent {
        field: '$.runtime';
        value: string;
    }
    interface OffersRequestFeaturesFieldEvent {
        field: '$.features[]';
        index: number;
        value: string;
    }
    interface OffersRequestProviderFieldEvent {
        field: '$.provider';
        value: Uint8Array<ArrayBuffer>;
    }
    interface OffersRequestAfterFieldEvent {
        field: '$.after';
        value: Uint8Array<ArrayBuffer>;
    }
    function encode(obj: Partial<OffersRequest>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<OffersRequest>): OffersRequest;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<OffersRequest>): Generator<OffersRequestRuntimeFieldEvent | OffersRequestFeaturesFieldEvent | OffersRequestProviderFieldEvent | OffersRequestAfterFieldEvent>;
}
export interface OffersResponse {
    page?: OfferPage;
    error?: Error;
}
export declare namespace OffersResponse {
    const codec: () => Codec<OffersResponse>;
    interface OffersResponsePageOffersOfferFieldEvent {
        field: '$.page.offers[].offer';
        value: Uint8Array<ArrayBuffer>;
        index: number;
    }
    interface OffersResponsePageOffersSignatureFieldEvent {
        field: '$.page.offers[].signature';
        value: Uint8Array<ArrayBuffer>;
        index: number;
    }
    interface OffersResponsePageMoreFieldEvent {
        field: '$.page.more';
        value: boolean;
    }
    interface OffersResponseErrorCodeFieldEvent {
        field: '$.error.code';
        value: string;
    }
    interface OffersResponseErrorMessageFieldEvent {
        field: '$.error.message';
        value: string;
    }
    interface OffersResponseErrorFaultFieldEvent {
        field: '$.error.fault';
        value: string;
    }
    interface OffersResponseErrorPhaseFieldEvent {
        field: '$.error.phase';
        value: string;
    }
    interface OffersResponseErrorRetryableFieldEvent {
        field: '$.error.retryable';
        value: boolean;
    }
    interface OffersResponseErrorHintFieldEvent {
        field: '$.error.hint';
        value: string;
    }
    interface OffersResponseErrorDetailsFieldEvent {
        field: '$.error.details';
        value: Uint8Array<ArrayBuffer>;
    }
    function encode(obj: Partial<OffersResponse>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<OffersResponse>): OffersResponse;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<OffersResponse>): Generator<OffersResponsePageOffersOfferFieldEvent | OffersResponsePageOffersSignatureFieldEvent | OffersResponsePageMoreFieldEvent | OffersResponseErrorCodeFieldEvent | OffersResponseErrorMessageFieldEvent | OffersResponseErrorFaultFieldEvent | OffersResponseErrorPhaseFieldEvent | OffersResponseErrorRetryableFieldEvent | OffersResponseErrorHintFieldEvent | OffersResponseErrorDetailsFieldEvent>;
}
export interface OfferPage {
    offers: SignedOffer[];
    more: boolean;
}
export declare namespace OfferPage {
    const codec: () => Codec<OfferPage>;
    interface OfferPageOffersOfferFieldEvent {
        field: '$.offers[].offer';
        value: Uint8Array<ArrayBuffer>;
        index: number;
    }
    interface OfferPageOffersSignatureFieldEvent {
        field: '$.offers[].signature';
        value: Uint8Array<ArrayBuffer>;
        index: number;
    }
    interface OfferPageMoreFieldEvent {
        field: '$.more';
        value: boolean;
    }
    function encode(obj: Partial<OfferPage>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<OfferPage>): OfferPage;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<OfferPage>): Generator<OfferPageOffersOfferFieldEvent | OfferPageOffersSignatureFieldEvent | OfferPageMoreFieldEvent>;
}
export interface QuoteRequest {
    spec: Uint8Array<ArrayBuffer>;
}
export declare namespace QuoteRequest {
    const codec: () => Codec<QuoteRequest>;
    interface QuoteRequestSpecFieldEvent {
        field: '$.spec';
        value: Uint8Array<ArrayBuffer>;
    }
    function encode(obj: Partial<QuoteRequest>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<QuoteRequest>): QuoteRequest;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<QuoteRequest>): Generator<QuoteRequestSpecFieldEvent>;
}
export interface QuoteResponse {
    quote?: SignedQuote;
    error?: Error;
}
export declare namespace QuoteResponse {
    const codec: () => Codec<QuoteResponse>;
    interface QuoteResponseQuoteQuoteFieldEvent {
        field: '$.quote.quote';
        value: Uint8Array<ArrayBuffer>;
    }
    interface QuoteResponseQuoteSignatureFieldEvent {
        field: '$.quote.signature';
        value: Uint8Array<ArrayBuffer>;
    }
    interface QuoteResponseErrorCodeFieldEvent {
        field: '$.error.code';
        value: string;
    }
    interface QuoteResponseErrorMessageFieldEvent {
        field: '$.error.message';
        value: string;
    }
    interface QuoteResponseErrorFaultFieldEvent {
        field: '$.error.fault';
        value: string;
    }
    interface QuoteResponseErrorPhaseFieldEvent {
        field: '$.error.phase';
        value: string;
    }
    interface QuoteResponseErrorRetryableFieldEvent {
        field: '$.error.retryable';
        value: boolean;
    }
    interface QuoteResponseErrorHintFieldEvent {
        field: '$.error.hint';
        value: string;
    }
    interface QuoteResponseErrorDetailsFieldEvent {
        field: '$.error.details';
        value: Uint8Array<ArrayBuffer>;
    }
    function encode(obj: Partial<QuoteResponse>): Uint8Array<ArrayBuffer>;
    function decode(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<QuoteResponse>): QuoteResponse;
    function stream(buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<QuoteResponse>): Generator<QuoteResponseQuoteQuoteFieldEvent | QuoteResponseQuoteSignatureFieldEvent | QuoteResponseErrorCodeFieldEvent | QuoteResponseErrorMessageFieldEvent | QuoteResponseErrorFaultFieldEvent | QuoteResponseErrorPhaseFieldEvent | QuoteResponseErrorRetryableFieldEvent | QuoteResponseErrorHintFieldEvent | QuoteResponseErrorDetailsFieldEvent>;
}
