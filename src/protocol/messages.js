// Generated from messages.proto by scripts/generate-messages.ts: do not edit.
/* eslint-disable require-yield */
import { decodeMessage, encodeMessage, enumeration, MaxLengthError, message, streamMessage } from 'protons-runtime';
export var RequesterFrame;
(function (RequesterFrame) {
    let _codec;
    RequesterFrame.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                obj = { ...obj };
                if (obj.close != null) {
                    obj.account = undefined;
                    obj.pay = undefined;
                    obj.unfollow = undefined;
                    obj.credit = undefined;
                    obj.follow = undefined;
                    obj.show = undefined;
                    obj.list = undefined;
                    obj.cancel = undefined;
                    obj.submit = undefined;
                }
                if (obj.account != null) {
                    obj.close = undefined;
                    obj.pay = undefined;
                    obj.unfollow = undefined;
                    obj.credit = undefined;
                    obj.follow = undefined;
                    obj.show = undefined;
                    obj.list = undefined;
                    obj.cancel = undefined;
                    obj.submit = undefined;
                }
                if (obj.pay != null) {
                    obj.close = undefined;
                    obj.account = undefined;
                    obj.unfollow = undefined;
                    obj.credit = undefined;
                    obj.follow = undefined;
                    obj.show = undefined;
                    obj.list = undefined;
                    obj.cancel = undefined;
                    obj.submit = undefined;
                }
                if (obj.unfollow != null) {
                    obj.close = undefined;
                    obj.account = undefined;
                    obj.pay = undefined;
                    obj.credit = undefined;
                    obj.follow = undefined;
                    obj.show = undefined;
                    obj.list = undefined;
                    obj.cancel = undefined;
                    obj.submit = undefined;
                }
                if (obj.credit != null) {
                    obj.close = undefined;
                    obj.account = undefined;
                    obj.pay = undefined;
                    obj.unfollow = undefined;
                    obj.follow = undefined;
                    obj.show = undefined;
                    obj.list = undefined;
                    obj.cancel = undefined;
                    obj.submit = undefined;
                }
                if (obj.follow != null) {
                    obj.close = undefined;
                    obj.account = undefined;
                    obj.pay = undefined;
                    obj.unfollow = undefined;
                    obj.credit = undefined;
                    obj.show = undefined;
                    obj.list = undefined;
                    obj.cancel = undefined;
                    obj.submit = undefined;
                }
                if (obj.show != null) {
                    obj.close = undefined;
                    obj.account = undefined;
                    obj.pay = undefined;
                    obj.unfollow = undefined;
                    obj.credit = undefined;
                    obj.follow = undefined;
                    obj.list = undefined;
                    obj.cancel = undefined;
                    obj.submit = undefined;
                }
                if (obj.list != null) {
                    obj.close = undefined;
                    obj.account = undefined;
                    obj.pay = undefined;
                    obj.unfollow = undefined;
                    obj.credit = undefined;
                    obj.follow = undefined;
                    obj.show = undefined;
                    obj.cancel = undefined;
                    obj.submit = undefined;
                }
                if (obj.cancel != null) {
                    obj.close = undefined;
                    obj.account = undefined;
                    obj.pay = undefined;
                    obj.unfollow = undefined;
                    obj.credit = undefined;
                    obj.follow = undefined;
                    obj.show = undefined;
                    obj.list = undefined;
                    obj.submit = undefined;
                }
                if (obj.submit != null) {
                    obj.close = undefined;
                    obj.account = undefined;
                    obj.pay = undefined;
                    obj.unfollow = undefined;
                    obj.credit = undefined;
                    obj.follow = undefined;
                    obj.show = undefined;
                    obj.list = undefined;
                    obj.cancel = undefined;
                }
                if ((obj.id != null && obj.id !== 0)) {
                    w.uint32(8);
                    w.uint32(obj.id);
                }
                if (obj.submit != null) {
                    w.uint32(18);
                    Submit.codec().encode(obj.submit, w);
                }
                if (obj.cancel != null) {
                    w.uint32(26);
                    Cancel.codec().encode(obj.cancel, w);
                }
                if (obj.list != null) {
                    w.uint32(34);
                    List.codec().encode(obj.list, w);
                }
                if (obj.show != null) {
                    w.uint32(42);
                    Show.codec().encode(obj.show, w);
                }
                if (obj.follow != null) {
                    w.uint32(50);
                    Follow.codec().encode(obj.follow, w);
                }
                if (obj.credit != null) {
                    w.uint32(58);
                    Credit.codec().encode(obj.credit, w);
                }
                if (obj.unfollow != null) {
                    w.uint32(66);
                    Unfollow.codec().encode(obj.unfollow, w);
                }
                if (obj.pay != null) {
                    w.uint32(74);
                    Pay.codec().encode(obj.pay, w);
                }
                if (obj.account != null) {
                    w.uint32(82);
                    Account.codec().encode(obj.account, w);
                }
                if (obj.close != null) {
                    w.uint32(90);
                    Close.codec().encode(obj.close, w);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    id: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.id = reader.uint32();
                            break;
                        }
                        case 2: {
                            obj.submit = Submit.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.submit
                            });
                            break;
                        }
                        case 3: {
                            obj.cancel = Cancel.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.cancel
                            });
                            break;
                        }
                        case 4: {
                            obj.list = List.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.list
                            });
                            break;
                        }
                        case 5: {
                            obj.show = Show.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.show
                            });
                            break;
                        }
                        case 6: {
                            obj.follow = Follow.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.follow
                            });
                            break;
                        }
                        case 7: {
                            obj.credit = Credit.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.credit
                            });
                            break;
                        }
                        case 8: {
                            obj.unfollow = Unfollow.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.unfollow
                            });
                            break;
                        }
                        case 9: {
                            obj.pay = Pay.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.pay
                            });
                            break;
                        }
                        case 10: {
                            obj.account = Account.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.account
                            });
                            break;
                        }
                        case 11: {
                            obj.close = Close.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.close
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                if (obj.close != null) {
                    delete obj.account;
                    delete obj.pay;
                    delete obj.unfollow;
                    delete obj.credit;
                    delete obj.follow;
                    delete obj.show;
                    delete obj.list;
                    delete obj.cancel;
                    delete obj.submit;
                }
                if (obj.account != null) {
                    delete obj.close;
                    delete obj.pay;
                    delete obj.unfollow;
                    delete obj.credit;
                    delete obj.follow;
                    delete obj.show;
                    delete obj.list;
                    delete obj.cancel;
                    delete obj.submit;
                }
                if (obj.pay != null) {
                    delete obj.close;
                    delete obj.account;
                    delete obj.unfollow;
                    delete obj.credit;
                    delete obj.follow;
                    delete obj.show;
                    delete obj.list;
                    delete obj.cancel;
                    delete obj.submit;
                }
                if (obj.unfollow != null) {
                    delete obj.close;
                    delete obj.account;
                    delete obj.pay;
                    delete obj.credit;
                    delete obj.follow;
                    delete obj.show;
                    delete obj.list;
                    delete obj.cancel;
                    delete obj.submit;
                }
                if (obj.credit != null) {
                    delete obj.close;
                    delete obj.account;
                    delete obj.pay;
                    delete obj.unfollow;
                    delete obj.follow;
                    delete obj.show;
                    delete obj.list;
                    delete obj.cancel;
                    delete obj.submit;
                }
                if (obj.follow != null) {
                    delete obj.close;
                    delete obj.account;
                    delete obj.pay;
                    delete obj.unfollow;
                    delete obj.credit;
                    delete obj.show;
                    delete obj.list;
                    delete obj.cancel;
                    delete obj.submit;
                }
                if (obj.show != null) {
                    delete obj.close;
                    delete obj.account;
                    delete obj.pay;
                    delete obj.unfollow;
                    delete obj.credit;
                    delete obj.follow;
                    delete obj.list;
                    delete obj.cancel;
                    delete obj.submit;
                }
                if (obj.list != null) {
                    delete obj.close;
                    delete obj.account;
                    delete obj.pay;
                    delete obj.unfollow;
                    delete obj.credit;
                    delete obj.follow;
                    delete obj.show;
                    delete obj.cancel;
                    delete obj.submit;
                }
                if (obj.cancel != null) {
                    delete obj.close;
                    delete obj.account;
                    delete obj.pay;
                    delete obj.unfollow;
                    delete obj.credit;
                    delete obj.follow;
                    delete obj.show;
                    delete obj.list;
                    delete obj.submit;
                }
                if (obj.submit != null) {
                    delete obj.close;
                    delete obj.account;
                    delete obj.pay;
                    delete obj.unfollow;
                    delete obj.credit;
                    delete obj.follow;
                    delete obj.show;
                    delete obj.list;
                    delete obj.cancel;
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.id`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        case 2: {
                            yield* Submit.codec().stream(reader, reader.uint32(), `${prefix}.submit`, {
                                limits: opts.limits?.submit
                            });
                            break;
                        }
                        case 3: {
                            yield* Cancel.codec().stream(reader, reader.uint32(), `${prefix}.cancel`, {
                                limits: opts.limits?.cancel
                            });
                            break;
                        }
                        case 4: {
                            yield* List.codec().stream(reader, reader.uint32(), `${prefix}.list`, {
                                limits: opts.limits?.list
                            });
                            break;
                        }
                        case 5: {
                            yield* Show.codec().stream(reader, reader.uint32(), `${prefix}.show`, {
                                limits: opts.limits?.show
                            });
                            break;
                        }
                        case 6: {
                            yield* Follow.codec().stream(reader, reader.uint32(), `${prefix}.follow`, {
                                limits: opts.limits?.follow
                            });
                            break;
                        }
                        case 7: {
                            yield* Credit.codec().stream(reader, reader.uint32(), `${prefix}.credit`, {
                                limits: opts.limits?.credit
                            });
                            break;
                        }
                        case 8: {
                            yield* Unfollow.codec().stream(reader, reader.uint32(), `${prefix}.unfollow`, {
                                limits: opts.limits?.unfollow
                            });
                            break;
                        }
                        case 9: {
                            yield* Pay.codec().stream(reader, reader.uint32(), `${prefix}.pay`, {
                                limits: opts.limits?.pay
                            });
                            break;
                        }
                        case 10: {
                            yield* Account.codec().stream(reader, reader.uint32(), `${prefix}.account`, {
                                limits: opts.limits?.account
                            });
                            break;
                        }
                        case 11: {
                            yield* Close.codec().stream(reader, reader.uint32(), `${prefix}.close`, {
                                limits: opts.limits?.close
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, RequesterFrame.codec());
    }
    RequesterFrame.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, RequesterFrame.codec(), opts);
    }
    RequesterFrame.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, RequesterFrame.codec(), opts);
    }
    RequesterFrame.stream = stream;
})(RequesterFrame || (RequesterFrame = {}));
export var ProviderFrame;
(function (ProviderFrame) {
    let _codec;
    ProviderFrame.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                obj = { ...obj };
                if (obj.consent != null) {
                    obj.statement = undefined;
                    obj.error = undefined;
                    obj.event = undefined;
                    obj.task = undefined;
                    obj.list = undefined;
                    obj.done = undefined;
                    obj.accepted = undefined;
                }
                if (obj.statement != null) {
                    obj.consent = undefined;
                    obj.error = undefined;
                    obj.event = undefined;
                    obj.task = undefined;
                    obj.list = undefined;
                    obj.done = undefined;
                    obj.accepted = undefined;
                }
                if (obj.error != null) {
                    obj.consent = undefined;
                    obj.statement = undefined;
                    obj.event = undefined;
                    obj.task = undefined;
                    obj.list = undefined;
                    obj.done = undefined;
                    obj.accepted = undefined;
                }
                if (obj.event != null) {
                    obj.consent = undefined;
                    obj.statement = undefined;
                    obj.error = undefined;
                    obj.task = undefined;
                    obj.list = undefined;
                    obj.done = undefined;
                    obj.accepted = undefined;
                }
                if (obj.task != null) {
                    obj.consent = undefined;
                    obj.statement = undefined;
                    obj.error = undefined;
                    obj.event = undefined;
                    obj.list = undefined;
                    obj.done = undefined;
                    obj.accepted = undefined;
                }
                if (obj.list != null) {
                    obj.consent = undefined;
                    obj.statement = undefined;
                    obj.error = undefined;
                    obj.event = undefined;
                    obj.task = undefined;
                    obj.done = undefined;
                    obj.accepted = undefined;
                }
                if (obj.done != null) {
                    obj.consent = undefined;
                    obj.statement = undefined;
                    obj.error = undefined;
                    obj.event = undefined;
                    obj.task = undefined;
                    obj.list = undefined;
                    obj.accepted = undefined;
                }
                if (obj.accepted != null) {
                    obj.consent = undefined;
                    obj.statement = undefined;
                    obj.error = undefined;
                    obj.event = undefined;
                    obj.task = undefined;
                    obj.list = undefined;
                    obj.done = undefined;
                }
                if ((obj.id != null && obj.id !== 0)) {
                    w.uint32(8);
                    w.uint32(obj.id);
                }
                if (obj.accepted != null) {
                    w.uint32(18);
                    Accepted.codec().encode(obj.accepted, w);
                }
                if (obj.done != null) {
                    w.uint32(26);
                    Done.codec().encode(obj.done, w);
                }
                if (obj.list != null) {
                    w.uint32(34);
                    TaskList.codec().encode(obj.list, w);
                }
                if (obj.task != null) {
                    w.uint32(42);
                    TaskSummary.codec().encode(obj.task, w);
                }
                if (obj.event != null) {
                    w.uint32(50);
                    TaskEvent.codec().encode(obj.event, w);
                }
                if (obj.error != null) {
                    w.uint32(58);
                    Error.codec().encode(obj.error, w);
                }
                if (obj.statement != null) {
                    w.uint32(66);
                    Statement.codec().encode(obj.statement, w);
                }
                if (obj.consent != null) {
                    w.uint32(74);
                    CloseConsent.codec().encode(obj.consent, w);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    id: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.id = reader.uint32();
                            break;
                        }
                        case 2: {
                            obj.accepted = Accepted.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.accepted
                            });
                            break;
                        }
                        case 3: {
                            obj.done = Done.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.done
                            });
                            break;
                        }
                        case 4: {
                            obj.list = TaskList.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.list
                            });
                            break;
                        }
                        case 5: {
                            obj.task = TaskSummary.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.task
                            });
                            break;
                        }
                        case 6: {
                            obj.event = TaskEvent.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.event
                            });
                            break;
                        }
                        case 7: {
                            obj.error = Error.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.error
                            });
                            break;
                        }
                        case 8: {
                            obj.statement = Statement.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.statement
                            });
                            break;
                        }
                        case 9: {
                            obj.consent = CloseConsent.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.consent
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                if (obj.consent != null) {
                    delete obj.statement;
                    delete obj.error;
                    delete obj.event;
                    delete obj.task;
                    delete obj.list;
                    delete obj.done;
                    delete obj.accepted;
                }
                if (obj.statement != null) {
                    delete obj.consent;
                    delete obj.error;
                    delete obj.event;
                    delete obj.task;
                    delete obj.list;
                    delete obj.done;
                    delete obj.accepted;
                }
                if (obj.error != null) {
                    delete obj.consent;
                    delete obj.statement;
                    delete obj.event;
                    delete obj.task;
                    delete obj.list;
                    delete obj.done;
                    delete obj.accepted;
                }
                if (obj.event != null) {
                    delete obj.consent;
                    delete obj.statement;
                    delete obj.error;
                    delete obj.task;
                    delete obj.list;
                    delete obj.done;
                    delete obj.accepted;
                }
                if (obj.task != null) {
                    delete obj.consent;
                    delete obj.statement;
                    delete obj.error;
                    delete obj.event;
                    delete obj.list;
                    delete obj.done;
                    delete obj.accepted;
                }
                if (obj.list != null) {
                    delete obj.consent;
                    delete obj.statement;
                    delete obj.error;
                    delete obj.event;
                    delete obj.task;
                    delete obj.done;
                    delete obj.accepted;
                }
                if (obj.done != null) {
                    delete obj.consent;
                    delete obj.statement;
                    delete obj.error;
                    delete obj.event;
                    delete obj.task;
                    delete obj.list;
                    delete obj.accepted;
                }
                if (obj.accepted != null) {
                    delete obj.consent;
                    delete obj.statement;
                    delete obj.error;
                    delete obj.event;
                    delete obj.task;
                    delete obj.list;
                    delete obj.done;
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.id`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        case 2: {
                            yield* Accepted.codec().stream(reader, reader.uint32(), `${prefix}.accepted`, {
                                limits: opts.limits?.accepted
                            });
                            break;
                        }
                        case 3: {
                            yield* Done.codec().stream(reader, reader.uint32(), `${prefix}.done`, {
                                limits: opts.limits?.done
                            });
                            break;
                        }
                        case 4: {
                            yield* TaskList.codec().stream(reader, reader.uint32(), `${prefix}.list`, {
                                limits: opts.limits?.list
                            });
                            break;
                        }
                        case 5: {
                            yield* TaskSummary.codec().stream(reader, reader.uint32(), `${prefix}.task`, {
                                limits: opts.limits?.task
                            });
                            break;
                        }
                        case 6: {
                            yield* TaskEvent.codec().stream(reader, reader.uint32(), `${prefix}.event`, {
                                limits: opts.limits?.event
                            });
                            break;
                        }
                        case 7: {
                            yield* Error.codec().stream(reader, reader.uint32(), `${prefix}.error`, {
                                limits: opts.limits?.error
                            });
                            break;
                        }
                        case 8: {
                            yield* Statement.codec().stream(reader, reader.uint32(), `${prefix}.statement`, {
                                limits: opts.limits?.statement
                            });
                            break;
                        }
                        case 9: {
                            yield* CloseConsent.codec().stream(reader, reader.uint32(), `${prefix}.consent`, {
                                limits: opts.limits?.consent
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, ProviderFrame.codec());
    }
    ProviderFrame.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, ProviderFrame.codec(), opts);
    }
    ProviderFrame.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, ProviderFrame.codec(), opts);
    }
    ProviderFrame.stream = stream;
})(ProviderFrame || (ProviderFrame = {}));
export var Submit;
(function (Submit) {
    let _codec;
    Submit.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if (obj.task != null) {
                    w.uint32(10);
                    SignedTask.codec().encode(obj.task, w);
                }
                if (obj.follow != null) {
                    w.uint32(18);
                    FollowFrom.codec().encode(obj.follow, w);
                }
                if (obj.quote != null) {
                    w.uint32(26);
                    SignedQuote.codec().encode(obj.quote, w);
                }
                if (obj.voucher != null) {
                    w.uint32(34);
                    Voucher.codec().encode(obj.voucher, w);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {};
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.task = SignedTask.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.task
                            });
                            break;
                        }
                        case 2: {
                            obj.follow = FollowFrom.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.follow
                            });
                            break;
                        }
                        case 3: {
                            obj.quote = SignedQuote.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.quote
                            });
                            break;
                        }
                        case 4: {
                            obj.voucher = Voucher.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.voucher
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield* SignedTask.codec().stream(reader, reader.uint32(), `${prefix}.task`, {
                                limits: opts.limits?.task
                            });
                            break;
                        }
                        case 2: {
                            yield* FollowFrom.codec().stream(reader, reader.uint32(), `${prefix}.follow`, {
                                limits: opts.limits?.follow
                            });
                            break;
                        }
                        case 3: {
                            yield* SignedQuote.codec().stream(reader, reader.uint32(), `${prefix}.quote`, {
                                limits: opts.limits?.quote
                            });
                            break;
                        }
                        case 4: {
                            yield* Voucher.codec().stream(reader, reader.uint32(), `${prefix}.voucher`, {
                                limits: opts.limits?.voucher
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Submit.codec());
    }
    Submit.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Submit.codec(), opts);
    }
    Submit.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Submit.codec(), opts);
    }
    Submit.stream = stream;
})(Submit || (Submit = {}));
export var SignedQuote;
(function (SignedQuote) {
    let _codec;
    SignedQuote.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.quote != null && obj.quote.byteLength > 0)) {
                    w.uint32(10);
                    w.bytes(obj.quote);
                }
                if ((obj.signature != null && obj.signature.byteLength > 0)) {
                    w.uint32(18);
                    w.bytes(obj.signature);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    quote: new Uint8Array(0),
                    signature: new Uint8Array(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.quote = reader.bytes();
                            break;
                        }
                        case 2: {
                            obj.signature = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.quote`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.signature`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, SignedQuote.codec());
    }
    SignedQuote.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, SignedQuote.codec(), opts);
    }
    SignedQuote.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, SignedQuote.codec(), opts);
    }
    SignedQuote.stream = stream;
})(SignedQuote || (SignedQuote = {}));
export var ChannelKey;
(function (ChannelKey) {
    let _codec;
    ChannelKey.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.payer != null && obj.payer.byteLength > 0)) {
                    w.uint32(10);
                    w.bytes(obj.payer);
                }
                if ((obj.payee != null && obj.payee.byteLength > 0)) {
                    w.uint32(18);
                    w.bytes(obj.payee);
                }
                if ((obj.token != null && obj.token.byteLength > 0)) {
                    w.uint32(26);
                    w.bytes(obj.token);
                }
                if ((obj.nonce != null && obj.nonce !== 0)) {
                    w.uint32(32);
                    w.uint64Number(obj.nonce);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    payer: new Uint8Array(0),
                    payee: new Uint8Array(0),
                    token: new Uint8Array(0),
                    nonce: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.payer = reader.bytes();
                            break;
                        }
                        case 2: {
                            obj.payee = reader.bytes();
                            break;
                        }
                        case 3: {
                            obj.token = reader.bytes();
                            break;
                        }
                        case 4: {
                            obj.nonce = reader.uint64Number();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.payer`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.payee`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 3: {
                            yield {
                                field: `${prefix}.token`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 4: {
                            yield {
                                field: `${prefix}.nonce`,
                                value: reader.uint64Number()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, ChannelKey.codec());
    }
    ChannelKey.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, ChannelKey.codec(), opts);
    }
    ChannelKey.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, ChannelKey.codec(), opts);
    }
    ChannelKey.stream = stream;
})(ChannelKey || (ChannelKey = {}));
export var Voucher;
(function (Voucher) {
    let _codec;
    Voucher.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.chainId != null && obj.chainId !== 0)) {
                    w.uint32(8);
                    w.uint64Number(obj.chainId);
                }
                if ((obj.contract != null && obj.contract.byteLength > 0)) {
                    w.uint32(18);
                    w.bytes(obj.contract);
                }
                if (obj.channel != null) {
                    w.uint32(26);
                    ChannelKey.codec().encode(obj.channel, w);
                }
                if ((obj.amountWei != null && obj.amountWei !== '')) {
                    w.uint32(34);
                    w.string(obj.amountWei);
                }
                if ((obj.signature != null && obj.signature.byteLength > 0)) {
                    w.uint32(42);
                    w.bytes(obj.signature);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    chainId: 0,
                    contract: new Uint8Array(0),
                    amountWei: '',
                    signature: new Uint8Array(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.chainId = reader.uint64Number();
                            break;
                        }
                        case 2: {
                            obj.contract = reader.bytes();
                            break;
                        }
                        case 3: {
                            obj.channel = ChannelKey.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.channel
                            });
                            break;
                        }
                        case 4: {
                            obj.amountWei = reader.string();
                            break;
                        }
                        case 5: {
                            obj.signature = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.chainId`,
                                value: reader.uint64Number()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.contract`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 3: {
                            yield* ChannelKey.codec().stream(reader, reader.uint32(), `${prefix}.channel`, {
                                limits: opts.limits?.channel
                            });
                            break;
                        }
                        case 4: {
                            yield {
                                field: `${prefix}.amountWei`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 5: {
                            yield {
                                field: `${prefix}.signature`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Voucher.codec());
    }
    Voucher.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Voucher.codec(), opts);
    }
    Voucher.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Voucher.codec(), opts);
    }
    Voucher.stream = stream;
})(Voucher || (Voucher = {}));
export var Pay;
(function (Pay) {
    let _codec;
    Pay.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if (obj.voucher != null) {
                    w.uint32(10);
                    Voucher.codec().encode(obj.voucher, w);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {};
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.voucher = Voucher.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.voucher
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield* Voucher.codec().stream(reader, reader.uint32(), `${prefix}.voucher`, {
                                limits: opts.limits?.voucher
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Pay.codec());
    }
    Pay.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Pay.codec(), opts);
    }
    Pay.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Pay.codec(), opts);
    }
    Pay.stream = stream;
})(Pay || (Pay = {}));
export var Account;
(function (Account) {
    let _codec;
    Account.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.channelId != null && obj.channelId.byteLength > 0)) {
                    w.uint32(10);
                    w.bytes(obj.channelId);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    channelId: new Uint8Array(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.channelId = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.channelId`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Account.codec());
    }
    Account.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Account.codec(), opts);
    }
    Account.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Account.codec(), opts);
    }
    Account.stream = stream;
})(Account || (Account = {}));
export var Statement;
(function (Statement) {
    let _codec;
    Statement.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.channelId != null && obj.channelId.byteLength > 0)) {
                    w.uint32(10);
                    w.bytes(obj.channelId);
                }
                if ((obj.receivedWei != null && obj.receivedWei !== '')) {
                    w.uint32(18);
                    w.string(obj.receivedWei);
                }
                if ((obj.chargedWei != null && obj.chargedWei !== '')) {
                    w.uint32(26);
                    w.string(obj.chargedWei);
                }
                if ((obj.reservedWei != null && obj.reservedWei !== '')) {
                    w.uint32(34);
                    w.string(obj.reservedWei);
                }
                if ((obj.creditWei != null && obj.creditWei !== '')) {
                    w.uint32(42);
                    w.string(obj.creditWei);
                }
                if (obj.voucher != null) {
                    w.uint32(50);
                    Voucher.codec().encode(obj.voucher, w);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    channelId: new Uint8Array(0),
                    receivedWei: '',
                    chargedWei: '',
                    reservedWei: '',
                    creditWei: ''
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.channelId = reader.bytes();
                            break;
                        }
                        case 2: {
                            obj.receivedWei = reader.string();
                            break;
                        }
                        case 3: {
                            obj.chargedWei = reader.string();
                            break;
                        }
                        case 4: {
                            obj.reservedWei = reader.string();
                            break;
                        }
                        case 5: {
                            obj.creditWei = reader.string();
                            break;
                        }
                        case 6: {
                            obj.voucher = Voucher.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.voucher
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.channelId`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.receivedWei`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 3: {
                            yield {
                                field: `${prefix}.chargedWei`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 4: {
                            yield {
                                field: `${prefix}.reservedWei`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 5: {
                            yield {
                                field: `${prefix}.creditWei`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 6: {
                            yield* Voucher.codec().stream(reader, reader.uint32(), `${prefix}.voucher`, {
                                limits: opts.limits?.voucher
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Statement.codec());
    }
    Statement.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Statement.codec(), opts);
    }
    Statement.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Statement.codec(), opts);
    }
    Statement.stream = stream;
})(Statement || (Statement = {}));
export var Close;
(function (Close) {
    let _codec;
    Close.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.channelId != null && obj.channelId.byteLength > 0)) {
                    w.uint32(10);
                    w.bytes(obj.channelId);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    channelId: new Uint8Array(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.channelId = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.channelId`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Close.codec());
    }
    Close.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Close.codec(), opts);
    }
    Close.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Close.codec(), opts);
    }
    Close.stream = stream;
})(Close || (Close = {}));
export var CloseConsent;
(function (CloseConsent) {
    let _codec;
    CloseConsent.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.channelId != null && obj.channelId.byteLength > 0)) {
                    w.uint32(10);
                    w.bytes(obj.channelId);
                }
                if ((obj.amountWei != null && obj.amountWei !== '')) {
                    w.uint32(18);
                    w.string(obj.amountWei);
                }
                if ((obj.signature != null && obj.signature.byteLength > 0)) {
                    w.uint32(26);
                    w.bytes(obj.signature);
                }
                if (obj.authorization != null) {
                    w.uint32(34);
                    PayoutAuthorization.codec().encode(obj.authorization, w);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    channelId: new Uint8Array(0),
                    amountWei: '',
                    signature: new Uint8Array(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.channelId = reader.bytes();
                            break;
                        }
                        case 2: {
                            obj.amountWei = reader.string();
                            break;
                        }
                        case 3: {
                            obj.signature = reader.bytes();
                            break;
                        }
                        case 4: {
                            obj.authorization = PayoutAuthorization.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.authorization
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.channelId`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.amountWei`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 3: {
                            yield {
                                field: `${prefix}.signature`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 4: {
                            yield* PayoutAuthorization.codec().stream(reader, reader.uint32(), `${prefix}.authorization`, {
                                limits: opts.limits?.authorization
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, CloseConsent.codec());
    }
    CloseConsent.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, CloseConsent.codec(), opts);
    }
    CloseConsent.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, CloseConsent.codec(), opts);
    }
    CloseConsent.stream = stream;
})(CloseConsent || (CloseConsent = {}));
export var PayoutAuthorization;
(function (PayoutAuthorization) {
    let _codec;
    PayoutAuthorization.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.node != null && obj.node.byteLength > 0)) {
                    w.uint32(10);
                    w.bytes(obj.node);
                }
                if ((obj.payout != null && obj.payout.byteLength > 0)) {
                    w.uint32(18);
                    w.bytes(obj.payout);
                }
                if ((obj.expiryMs != null && obj.expiryMs !== 0)) {
                    w.uint32(24);
                    w.uint64Number(obj.expiryMs);
                }
                if ((obj.signature != null && obj.signature.byteLength > 0)) {
                    w.uint32(34);
                    w.bytes(obj.signature);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    node: new Uint8Array(0),
                    payout: new Uint8Array(0),
                    expiryMs: 0,
                    signature: new Uint8Array(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.node = reader.bytes();
                            break;
                        }
                        case 2: {
                            obj.payout = reader.bytes();
                            break;
                        }
                        case 3: {
                            obj.expiryMs = reader.uint64Number();
                            break;
                        }
                        case 4: {
                            obj.signature = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.node`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.payout`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 3: {
                            yield {
                                field: `${prefix}.expiryMs`,
                                value: reader.uint64Number()
                            };
                            break;
                        }
                        case 4: {
                            yield {
                                field: `${prefix}.signature`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, PayoutAuthorization.codec());
    }
    PayoutAuthorization.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, PayoutAuthorization.codec(), opts);
    }
    PayoutAuthorization.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, PayoutAuthorization.codec(), opts);
    }
    PayoutAuthorization.stream = stream;
})(PayoutAuthorization || (PayoutAuthorization = {}));
export var SignedTask;
(function (SignedTask) {
    let _codec;
    SignedTask.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.spec != null && obj.spec.byteLength > 0)) {
                    w.uint32(10);
                    w.bytes(obj.spec);
                }
                if (obj.authorization != null) {
                    w.uint32(18);
                    Authorization.codec().encode(obj.authorization, w);
                }
                if ((obj.signature != null && obj.signature.byteLength > 0)) {
                    w.uint32(26);
                    w.bytes(obj.signature);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    spec: new Uint8Array(0),
                    signature: new Uint8Array(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.spec = reader.bytes();
                            break;
                        }
                        case 2: {
                            obj.authorization = Authorization.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.authorization
                            });
                            break;
                        }
                        case 3: {
                            obj.signature = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.spec`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 2: {
                            yield* Authorization.codec().stream(reader, reader.uint32(), `${prefix}.authorization`, {
                                limits: opts.limits?.authorization
                            });
                            break;
                        }
                        case 3: {
                            yield {
                                field: `${prefix}.signature`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, SignedTask.codec());
    }
    SignedTask.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, SignedTask.codec(), opts);
    }
    SignedTask.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, SignedTask.codec(), opts);
    }
    SignedTask.stream = stream;
})(SignedTask || (SignedTask = {}));
export var Authorization;
(function (Authorization) {
    let _codec;
    Authorization.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.specDigest != null && obj.specDigest.byteLength > 0)) {
                    w.uint32(10);
                    w.bytes(obj.specDigest);
                }
                if ((obj.requester != null && obj.requester.byteLength > 0)) {
                    w.uint32(18);
                    w.bytes(obj.requester);
                }
                if ((obj.provider != null && obj.provider.byteLength > 0)) {
                    w.uint32(26);
                    w.bytes(obj.provider);
                }
                if ((obj.nonce != null && obj.nonce.byteLength > 0)) {
                    w.uint32(34);
                    w.bytes(obj.nonce);
                }
                if ((obj.expiryMs != null && obj.expiryMs !== 0)) {
                    w.uint32(40);
                    w.uint64Number(obj.expiryMs);
                }
                if ((obj.maxPriceWei != null && obj.maxPriceWei !== '')) {
                    w.uint32(50);
                    w.string(obj.maxPriceWei);
                }
                if ((obj.chainId != null && obj.chainId !== 0)) {
                    w.uint32(56);
                    w.uint64Number(obj.chainId);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    specDigest: new Uint8Array(0),
                    requester: new Uint8Array(0),
                    provider: new Uint8Array(0),
                    nonce: new Uint8Array(0),
                    expiryMs: 0,
                    maxPriceWei: '',
                    chainId: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.specDigest = reader.bytes();
                            break;
                        }
                        case 2: {
                            obj.requester = reader.bytes();
                            break;
                        }
                        case 3: {
                            obj.provider = reader.bytes();
                            break;
                        }
                        case 4: {
                            obj.nonce = reader.bytes();
                            break;
                        }
                        case 5: {
                            obj.expiryMs = reader.uint64Number();
                            break;
                        }
                        case 6: {
                            obj.maxPriceWei = reader.string();
                            break;
                        }
                        case 7: {
                            obj.chainId = reader.uint64Number();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.specDigest`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.requester`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 3: {
                            yield {
                                field: `${prefix}.provider`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 4: {
                            yield {
                                field: `${prefix}.nonce`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 5: {
                            yield {
                                field: `${prefix}.expiryMs`,
                                value: reader.uint64Number()
                            };
                            break;
                        }
                        case 6: {
                            yield {
                                field: `${prefix}.maxPriceWei`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 7: {
                            yield {
                                field: `${prefix}.chainId`,
                                value: reader.uint64Number()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Authorization.codec());
    }
    Authorization.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Authorization.codec(), opts);
    }
    Authorization.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Authorization.codec(), opts);
    }
    Authorization.stream = stream;
})(Authorization || (Authorization = {}));
export var Accepted;
(function (Accepted) {
    let _codec;
    Accepted.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.taskId != null && obj.taskId.byteLength > 0)) {
                    w.uint32(10);
                    w.bytes(obj.taskId);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    taskId: new Uint8Array(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.taskId = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.taskId`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Accepted.codec());
    }
    Accepted.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Accepted.codec(), opts);
    }
    Accepted.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Accepted.codec(), opts);
    }
    Accepted.stream = stream;
})(Accepted || (Accepted = {}));
export var Cancel;
(function (Cancel) {
    let _codec;
    Cancel.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.taskId != null && obj.taskId.byteLength > 0)) {
                    w.uint32(10);
                    w.bytes(obj.taskId);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    taskId: new Uint8Array(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.taskId = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.taskId`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Cancel.codec());
    }
    Cancel.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Cancel.codec(), opts);
    }
    Cancel.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Cancel.codec(), opts);
    }
    Cancel.stream = stream;
})(Cancel || (Cancel = {}));
export var List;
(function (List) {
    let _codec;
    List.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {};
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, List.codec());
    }
    List.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, List.codec(), opts);
    }
    List.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, List.codec(), opts);
    }
    List.stream = stream;
})(List || (List = {}));
export var Show;
(function (Show) {
    let _codec;
    Show.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.taskId != null && obj.taskId.byteLength > 0)) {
                    w.uint32(10);
                    w.bytes(obj.taskId);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    taskId: new Uint8Array(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.taskId = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.taskId`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Show.codec());
    }
    Show.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Show.codec(), opts);
    }
    Show.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Show.codec(), opts);
    }
    Show.stream = stream;
})(Show || (Show = {}));
export var Follow;
(function (Follow) {
    let _codec;
    Follow.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.taskId != null && obj.taskId.byteLength > 0)) {
                    w.uint32(10);
                    w.bytes(obj.taskId);
                }
                if (obj.from != null) {
                    w.uint32(18);
                    FollowFrom.codec().encode(obj.from, w);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    taskId: new Uint8Array(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.taskId = reader.bytes();
                            break;
                        }
                        case 2: {
                            obj.from = FollowFrom.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.from
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.taskId`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 2: {
                            yield* FollowFrom.codec().stream(reader, reader.uint32(), `${prefix}.from`, {
                                limits: opts.limits?.from
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Follow.codec());
    }
    Follow.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Follow.codec(), opts);
    }
    Follow.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Follow.codec(), opts);
    }
    Follow.stream = stream;
})(Follow || (Follow = {}));
export var FollowFrom;
(function (FollowFrom) {
    let _codec;
    FollowFrom.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.stdoutOffset != null && obj.stdoutOffset !== 0)) {
                    w.uint32(8);
                    w.uint64Number(obj.stdoutOffset);
                }
                if ((obj.stderrOffset != null && obj.stderrOffset !== 0)) {
                    w.uint32(16);
                    w.uint64Number(obj.stderrOffset);
                }
                if ((obj.credit != null && obj.credit !== 0)) {
                    w.uint32(24);
                    w.uint32(obj.credit);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    stdoutOffset: 0,
                    stderrOffset: 0,
                    credit: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.stdoutOffset = reader.uint64Number();
                            break;
                        }
                        case 2: {
                            obj.stderrOffset = reader.uint64Number();
                            break;
                        }
                        case 3: {
                            obj.credit = reader.uint32();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.stdoutOffset`,
                                value: reader.uint64Number()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.stderrOffset`,
                                value: reader.uint64Number()
                            };
                            break;
                        }
                        case 3: {
                            yield {
                                field: `${prefix}.credit`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, FollowFrom.codec());
    }
    FollowFrom.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, FollowFrom.codec(), opts);
    }
    FollowFrom.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, FollowFrom.codec(), opts);
    }
    FollowFrom.stream = stream;
})(FollowFrom || (FollowFrom = {}));
export var Credit;
(function (Credit) {
    let _codec;
    Credit.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.bytes != null && obj.bytes !== 0)) {
                    w.uint32(8);
                    w.uint32(obj.bytes);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    bytes: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.bytes = reader.uint32();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.bytes`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Credit.codec());
    }
    Credit.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Credit.codec(), opts);
    }
    Credit.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Credit.codec(), opts);
    }
    Credit.stream = stream;
})(Credit || (Credit = {}));
export var Unfollow;
(function (Unfollow) {
    let _codec;
    Unfollow.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {};
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Unfollow.codec());
    }
    Unfollow.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Unfollow.codec(), opts);
    }
    Unfollow.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Unfollow.codec(), opts);
    }
    Unfollow.stream = stream;
})(Unfollow || (Unfollow = {}));
export var Done;
(function (Done) {
    let _codec;
    Done.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {};
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Done.codec());
    }
    Done.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Done.codec(), opts);
    }
    Done.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Done.codec(), opts);
    }
    Done.stream = stream;
})(Done || (Done = {}));
export var TaskList;
(function (TaskList) {
    let _codec;
    TaskList.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if (obj.tasks != null && obj.tasks.length > 0) {
                    for (const value of obj.tasks) {
                        w.uint32(10);
                        TaskSummary.codec().encode(value, w);
                    }
                }
                if ((obj.more != null && obj.more !== false)) {
                    w.uint32(16);
                    w.bool(obj.more);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    tasks: [],
                    more: false
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            if (opts.limits?.tasks != null && obj.tasks.length === opts.limits.tasks) {
                                throw new MaxLengthError('Decode error - repeated field "tasks" had too many elements');
                            }
                            obj.tasks.push(TaskSummary.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.tasks$
                            }));
                            break;
                        }
                        case 2: {
                            obj.more = reader.bool();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const obj = {
                    tasks: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            if (opts.limits?.tasks != null && obj.tasks === opts.limits.tasks) {
                                throw new MaxLengthError('Streaming decode error - repeated field "tasks" had too many elements');
                            }
                            for (const evt of TaskSummary.codec().stream(reader, reader.uint32(), `${prefix}.tasks[]`, {
                                limits: opts.limits?.tasks$
                            })) {
                                yield {
                                    ...evt,
                                    index: obj.tasks
                                };
                            }
                            obj.tasks++;
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.more`,
                                value: reader.bool()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, TaskList.codec());
    }
    TaskList.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, TaskList.codec(), opts);
    }
    TaskList.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, TaskList.codec(), opts);
    }
    TaskList.stream = stream;
})(TaskList || (TaskList = {}));
export var TaskSummary;
(function (TaskSummary) {
    let _codec;
    TaskSummary.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.taskId != null && obj.taskId.byteLength > 0)) {
                    w.uint32(10);
                    w.bytes(obj.taskId);
                }
                if ((obj.name != null && obj.name !== '')) {
                    w.uint32(18);
                    w.string(obj.name);
                }
                if ((obj.runtime != null && obj.runtime !== '')) {
                    w.uint32(26);
                    w.string(obj.runtime);
                }
                if ((obj.state != null && obj.state !== '')) {
                    w.uint32(34);
                    w.string(obj.state);
                }
                if ((obj.attempts != null && obj.attempts !== 0)) {
                    w.uint32(40);
                    w.uint32(obj.attempts);
                }
                if ((obj.acceptedAtMs != null && obj.acceptedAtMs !== 0)) {
                    w.uint32(48);
                    w.uint64Number(obj.acceptedAtMs);
                }
                if (obj.startedAtMs != null) {
                    w.uint32(56);
                    w.uint64Number(obj.startedAtMs);
                }
                if (obj.finishedAtMs != null) {
                    w.uint32(64);
                    w.uint64Number(obj.finishedAtMs);
                }
                if (obj.outcome != null) {
                    w.uint32(74);
                    Outcome.codec().encode(obj.outcome, w);
                }
                if (obj.errorCode != null) {
                    w.uint32(82);
                    w.string(obj.errorCode);
                }
                if ((obj.stdoutBytes != null && obj.stdoutBytes !== 0)) {
                    w.uint32(88);
                    w.uint64Number(obj.stdoutBytes);
                }
                if ((obj.stderrBytes != null && obj.stderrBytes !== 0)) {
                    w.uint32(96);
                    w.uint64Number(obj.stderrBytes);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    taskId: new Uint8Array(0),
                    name: '',
                    runtime: '',
                    state: '',
                    attempts: 0,
                    acceptedAtMs: 0,
                    stdoutBytes: 0,
                    stderrBytes: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.taskId = reader.bytes();
                            break;
                        }
                        case 2: {
                            obj.name = reader.string();
                            break;
                        }
                        case 3: {
                            obj.runtime = reader.string();
                            break;
                        }
                        case 4: {
                            obj.state = reader.string();
                            break;
                        }
                        case 5: {
                            obj.attempts = reader.uint32();
                            break;
                        }
                        case 6: {
                            obj.acceptedAtMs = reader.uint64Number();
                            break;
                        }
                        case 7: {
                            obj.startedAtMs = reader.uint64Number();
                            break;
                        }
                        case 8: {
                            obj.finishedAtMs = reader.uint64Number();
                            break;
                        }
                        case 9: {
                            obj.outcome = Outcome.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.outcome
                            });
                            break;
                        }
                        case 10: {
                            obj.errorCode = reader.string();
                            break;
                        }
                        case 11: {
                            obj.stdoutBytes = reader.uint64Number();
                            break;
                        }
                        case 12: {
                            obj.stderrBytes = reader.uint64Number();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.taskId`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.name`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 3: {
                            yield {
                                field: `${prefix}.runtime`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 4: {
                            yield {
                                field: `${prefix}.state`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 5: {
                            yield {
                                field: `${prefix}.attempts`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        case 6: {
                            yield {
                                field: `${prefix}.acceptedAtMs`,
                                value: reader.uint64Number()
                            };
                            break;
                        }
                        case 7: {
                            yield {
                                field: `${prefix}.startedAtMs`,
                                value: reader.uint64Number()
                            };
                            break;
                        }
                        case 8: {
                            yield {
                                field: `${prefix}.finishedAtMs`,
                                value: reader.uint64Number()
                            };
                            break;
                        }
                        case 9: {
                            yield* Outcome.codec().stream(reader, reader.uint32(), `${prefix}.outcome`, {
                                limits: opts.limits?.outcome
                            });
                            break;
                        }
                        case 10: {
                            yield {
                                field: `${prefix}.errorCode`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 11: {
                            yield {
                                field: `${prefix}.stdoutBytes`,
                                value: reader.uint64Number()
                            };
                            break;
                        }
                        case 12: {
                            yield {
                                field: `${prefix}.stderrBytes`,
                                value: reader.uint64Number()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, TaskSummary.codec());
    }
    TaskSummary.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, TaskSummary.codec(), opts);
    }
    TaskSummary.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, TaskSummary.codec(), opts);
    }
    TaskSummary.stream = stream;
})(TaskSummary || (TaskSummary = {}));
export var Outcome;
(function (Outcome) {
    let _codec;
    Outcome.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                obj = { ...obj };
                if (obj.cancelled != null) {
                    obj.limit = undefined;
                    obj.trapped = undefined;
                    obj.killed = undefined;
                    obj.exited = undefined;
                }
                if (obj.limit != null) {
                    obj.cancelled = undefined;
                    obj.trapped = undefined;
                    obj.killed = undefined;
                    obj.exited = undefined;
                }
                if (obj.trapped != null) {
                    obj.cancelled = undefined;
                    obj.limit = undefined;
                    obj.killed = undefined;
                    obj.exited = undefined;
                }
                if (obj.killed != null) {
                    obj.cancelled = undefined;
                    obj.limit = undefined;
                    obj.trapped = undefined;
                    obj.exited = undefined;
                }
                if (obj.exited != null) {
                    obj.cancelled = undefined;
                    obj.limit = undefined;
                    obj.trapped = undefined;
                    obj.killed = undefined;
                }
                if (obj.exited != null) {
                    w.uint32(8);
                    w.uint32(obj.exited);
                }
                if (obj.killed != null) {
                    w.uint32(18);
                    w.string(obj.killed);
                }
                if (obj.trapped != null) {
                    w.uint32(26);
                    w.string(obj.trapped);
                }
                if (obj.limit != null) {
                    w.uint32(34);
                    w.string(obj.limit);
                }
                if (obj.cancelled != null) {
                    w.uint32(42);
                    Cancelled.codec().encode(obj.cancelled, w);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {};
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.exited = reader.uint32();
                            break;
                        }
                        case 2: {
                            obj.killed = reader.string();
                            break;
                        }
                        case 3: {
                            obj.trapped = reader.string();
                            break;
                        }
                        case 4: {
                            obj.limit = reader.string();
                            break;
                        }
                        case 5: {
                            obj.cancelled = Cancelled.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.cancelled
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                if (obj.cancelled != null) {
                    delete obj.limit;
                    delete obj.trapped;
                    delete obj.killed;
                    delete obj.exited;
                }
                if (obj.limit != null) {
                    delete obj.cancelled;
                    delete obj.trapped;
                    delete obj.killed;
                    delete obj.exited;
                }
                if (obj.trapped != null) {
                    delete obj.cancelled;
                    delete obj.limit;
                    delete obj.killed;
                    delete obj.exited;
                }
                if (obj.killed != null) {
                    delete obj.cancelled;
                    delete obj.limit;
                    delete obj.trapped;
                    delete obj.exited;
                }
                if (obj.exited != null) {
                    delete obj.cancelled;
                    delete obj.limit;
                    delete obj.trapped;
                    delete obj.killed;
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.exited`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.killed`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 3: {
                            yield {
                                field: `${prefix}.trapped`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 4: {
                            yield {
                                field: `${prefix}.limit`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 5: {
                            yield* Cancelled.codec().stream(reader, reader.uint32(), `${prefix}.cancelled`, {
                                limits: opts.limits?.cancelled
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Outcome.codec());
    }
    Outcome.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Outcome.codec(), opts);
    }
    Outcome.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Outcome.codec(), opts);
    }
    Outcome.stream = stream;
})(Outcome || (Outcome = {}));
export var Cancelled;
(function (Cancelled) {
    let _codec;
    Cancelled.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {};
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Cancelled.codec());
    }
    Cancelled.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Cancelled.codec(), opts);
    }
    Cancelled.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Cancelled.codec(), opts);
    }
    Cancelled.stream = stream;
})(Cancelled || (Cancelled = {}));
export var TaskEvent;
(function (TaskEvent) {
    let _codec;
    TaskEvent.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                obj = { ...obj };
                if (obj.finished != null) {
                    obj.output = undefined;
                    obj.started = undefined;
                    obj.preparing = undefined;
                    obj.queued = undefined;
                }
                if (obj.output != null) {
                    obj.finished = undefined;
                    obj.started = undefined;
                    obj.preparing = undefined;
                    obj.queued = undefined;
                }
                if (obj.started != null) {
                    obj.finished = undefined;
                    obj.output = undefined;
                    obj.preparing = undefined;
                    obj.queued = undefined;
                }
                if (obj.preparing != null) {
                    obj.finished = undefined;
                    obj.output = undefined;
                    obj.started = undefined;
                    obj.queued = undefined;
                }
                if (obj.queued != null) {
                    obj.finished = undefined;
                    obj.output = undefined;
                    obj.started = undefined;
                    obj.preparing = undefined;
                }
                if (obj.queued != null) {
                    w.uint32(10);
                    Queued.codec().encode(obj.queued, w);
                }
                if (obj.preparing != null) {
                    w.uint32(18);
                    Preparing.codec().encode(obj.preparing, w);
                }
                if (obj.started != null) {
                    w.uint32(26);
                    Started.codec().encode(obj.started, w);
                }
                if (obj.output != null) {
                    w.uint32(34);
                    Output.codec().encode(obj.output, w);
                }
                if (obj.finished != null) {
                    w.uint32(42);
                    Finished.codec().encode(obj.finished, w);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {};
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.queued = Queued.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.queued
                            });
                            break;
                        }
                        case 2: {
                            obj.preparing = Preparing.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.preparing
                            });
                            break;
                        }
                        case 3: {
                            obj.started = Started.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.started
                            });
                            break;
                        }
                        case 4: {
                            obj.output = Output.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.output
                            });
                            break;
                        }
                        case 5: {
                            obj.finished = Finished.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.finished
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                if (obj.finished != null) {
                    delete obj.output;
                    delete obj.started;
                    delete obj.preparing;
                    delete obj.queued;
                }
                if (obj.output != null) {
                    delete obj.finished;
                    delete obj.started;
                    delete obj.preparing;
                    delete obj.queued;
                }
                if (obj.started != null) {
                    delete obj.finished;
                    delete obj.output;
                    delete obj.preparing;
                    delete obj.queued;
                }
                if (obj.preparing != null) {
                    delete obj.finished;
                    delete obj.output;
                    delete obj.started;
                    delete obj.queued;
                }
                if (obj.queued != null) {
                    delete obj.finished;
                    delete obj.output;
                    delete obj.started;
                    delete obj.preparing;
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield* Queued.codec().stream(reader, reader.uint32(), `${prefix}.queued`, {
                                limits: opts.limits?.queued
                            });
                            break;
                        }
                        case 2: {
                            yield* Preparing.codec().stream(reader, reader.uint32(), `${prefix}.preparing`, {
                                limits: opts.limits?.preparing
                            });
                            break;
                        }
                        case 3: {
                            yield* Started.codec().stream(reader, reader.uint32(), `${prefix}.started`, {
                                limits: opts.limits?.started
                            });
                            break;
                        }
                        case 4: {
                            yield* Output.codec().stream(reader, reader.uint32(), `${prefix}.output`, {
                                limits: opts.limits?.output
                            });
                            break;
                        }
                        case 5: {
                            yield* Finished.codec().stream(reader, reader.uint32(), `${prefix}.finished`, {
                                limits: opts.limits?.finished
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, TaskEvent.codec());
    }
    TaskEvent.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, TaskEvent.codec(), opts);
    }
    TaskEvent.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, TaskEvent.codec(), opts);
    }
    TaskEvent.stream = stream;
})(TaskEvent || (TaskEvent = {}));
export var Queued;
(function (Queued) {
    let _codec;
    Queued.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.atMs != null && obj.atMs !== 0)) {
                    w.uint32(8);
                    w.uint64Number(obj.atMs);
                }
                if ((obj.position != null && obj.position !== 0)) {
                    w.uint32(16);
                    w.uint32(obj.position);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    atMs: 0,
                    position: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.atMs = reader.uint64Number();
                            break;
                        }
                        case 2: {
                            obj.position = reader.uint32();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.atMs`,
                                value: reader.uint64Number()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.position`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Queued.codec());
    }
    Queued.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Queued.codec(), opts);
    }
    Queued.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Queued.codec(), opts);
    }
    Queued.stream = stream;
})(Queued || (Queued = {}));
export var Preparing;
(function (Preparing) {
    let _codec;
    Preparing.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.atMs != null && obj.atMs !== 0)) {
                    w.uint32(8);
                    w.uint64Number(obj.atMs);
                }
                if ((obj.fetchedBytes != null && obj.fetchedBytes !== 0)) {
                    w.uint32(16);
                    w.uint64Number(obj.fetchedBytes);
                }
                if ((obj.totalBytes != null && obj.totalBytes !== 0)) {
                    w.uint32(24);
                    w.uint64Number(obj.totalBytes);
                }
                if (obj.what != null && __PreparationValues[obj.what] !== 0) {
                    w.uint32(32);
                    Preparation.codec().encode(obj.what, w);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    atMs: 0,
                    fetchedBytes: 0,
                    totalBytes: 0,
                    what: Preparation.INPUTS
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.atMs = reader.uint64Number();
                            break;
                        }
                        case 2: {
                            obj.fetchedBytes = reader.uint64Number();
                            break;
                        }
                        case 3: {
                            obj.totalBytes = reader.uint64Number();
                            break;
                        }
                        case 4: {
                            obj.what = Preparation.codec().decode(reader);
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.atMs`,
                                value: reader.uint64Number()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.fetchedBytes`,
                                value: reader.uint64Number()
                            };
                            break;
                        }
                        case 3: {
                            yield {
                                field: `${prefix}.totalBytes`,
                                value: reader.uint64Number()
                            };
                            break;
                        }
                        case 4: {
                            yield {
                                field: `${prefix}.what`,
                                value: Preparation.codec().decode(reader)
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Preparing.codec());
    }
    Preparing.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Preparing.codec(), opts);
    }
    Preparing.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Preparing.codec(), opts);
    }
    Preparing.stream = stream;
})(Preparing || (Preparing = {}));
export var Preparation;
(function (Preparation) {
    Preparation["INPUTS"] = "INPUTS";
    Preparation["IMAGE"] = "IMAGE";
})(Preparation || (Preparation = {}));
var __PreparationValues;
(function (__PreparationValues) {
    __PreparationValues[__PreparationValues["INPUTS"] = 0] = "INPUTS";
    __PreparationValues[__PreparationValues["IMAGE"] = 1] = "IMAGE";
})(__PreparationValues || (__PreparationValues = {}));
(function (Preparation) {
    Preparation.codec = () => {
        return enumeration(__PreparationValues);
    };
})(Preparation || (Preparation = {}));
export var Started;
(function (Started) {
    let _codec;
    Started.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.atMs != null && obj.atMs !== 0)) {
                    w.uint32(8);
                    w.uint64Number(obj.atMs);
                }
                if ((obj.attempt != null && obj.attempt !== 0)) {
                    w.uint32(16);
                    w.uint32(obj.attempt);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    atMs: 0,
                    attempt: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.atMs = reader.uint64Number();
                            break;
                        }
                        case 2: {
                            obj.attempt = reader.uint32();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.atMs`,
                                value: reader.uint64Number()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.attempt`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Started.codec());
    }
    Started.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Started.codec(), opts);
    }
    Started.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Started.codec(), opts);
    }
    Started.stream = stream;
})(Started || (Started = {}));
export var OutputStream;
(function (OutputStream) {
    OutputStream["STDOUT"] = "STDOUT";
    OutputStream["STDERR"] = "STDERR";
})(OutputStream || (OutputStream = {}));
var __OutputStreamValues;
(function (__OutputStreamValues) {
    __OutputStreamValues[__OutputStreamValues["STDOUT"] = 0] = "STDOUT";
    __OutputStreamValues[__OutputStreamValues["STDERR"] = 1] = "STDERR";
})(__OutputStreamValues || (__OutputStreamValues = {}));
(function (OutputStream) {
    OutputStream.codec = () => {
        return enumeration(__OutputStreamValues);
    };
})(OutputStream || (OutputStream = {}));
export var Output;
(function (Output) {
    let _codec;
    Output.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if (obj.stream != null && __OutputStreamValues[obj.stream] !== 0) {
                    w.uint32(8);
                    OutputStream.codec().encode(obj.stream, w);
                }
                if ((obj.offset != null && obj.offset !== 0)) {
                    w.uint32(16);
                    w.uint64Number(obj.offset);
                }
                if ((obj.data != null && obj.data.byteLength > 0)) {
                    w.uint32(26);
                    w.bytes(obj.data);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    stream: OutputStream.STDOUT,
                    offset: 0,
                    data: new Uint8Array(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.stream = OutputStream.codec().decode(reader);
                            break;
                        }
                        case 2: {
                            obj.offset = reader.uint64Number();
                            break;
                        }
                        case 3: {
                            obj.data = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.stream`,
                                value: OutputStream.codec().decode(reader)
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.offset`,
                                value: reader.uint64Number()
                            };
                            break;
                        }
                        case 3: {
                            yield {
                                field: `${prefix}.data`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Output.codec());
    }
    Output.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Output.codec(), opts);
    }
    Output.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Output.codec(), opts);
    }
    Output.stream = stream;
})(Output || (Output = {}));
export var Finished;
(function (Finished) {
    let _codec;
    Finished.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                obj = { ...obj };
                if (obj.error != null) {
                    obj.receipt = undefined;
                }
                if (obj.receipt != null) {
                    obj.error = undefined;
                }
                if ((obj.atMs != null && obj.atMs !== 0)) {
                    w.uint32(8);
                    w.uint64Number(obj.atMs);
                }
                if (obj.receipt != null) {
                    w.uint32(18);
                    w.bytes(obj.receipt);
                }
                if (obj.error != null) {
                    w.uint32(26);
                    Error.codec().encode(obj.error, w);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    atMs: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.atMs = reader.uint64Number();
                            break;
                        }
                        case 2: {
                            obj.receipt = reader.bytes();
                            break;
                        }
                        case 3: {
                            obj.error = Error.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.error
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                if (obj.error != null) {
                    delete obj.receipt;
                }
                if (obj.receipt != null) {
                    delete obj.error;
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.atMs`,
                                value: reader.uint64Number()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.receipt`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 3: {
                            yield* Error.codec().stream(reader, reader.uint32(), `${prefix}.error`, {
                                limits: opts.limits?.error
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Finished.codec());
    }
    Finished.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Finished.codec(), opts);
    }
    Finished.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Finished.codec(), opts);
    }
    Finished.stream = stream;
})(Finished || (Finished = {}));
export var Error;
(function (Error) {
    let _codec;
    Error.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.code != null && obj.code !== '')) {
                    w.uint32(10);
                    w.string(obj.code);
                }
                if ((obj.message != null && obj.message !== '')) {
                    w.uint32(18);
                    w.string(obj.message);
                }
                if ((obj.fault != null && obj.fault !== '')) {
                    w.uint32(26);
                    w.string(obj.fault);
                }
                if ((obj.phase != null && obj.phase !== '')) {
                    w.uint32(34);
                    w.string(obj.phase);
                }
                if ((obj.retryable != null && obj.retryable !== false)) {
                    w.uint32(40);
                    w.bool(obj.retryable);
                }
                if ((obj.hint != null && obj.hint !== '')) {
                    w.uint32(50);
                    w.string(obj.hint);
                }
                if ((obj.details != null && obj.details.byteLength > 0)) {
                    w.uint32(58);
                    w.bytes(obj.details);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    code: '',
                    message: '',
                    fault: '',
                    phase: '',
                    retryable: false,
                    hint: '',
                    details: new Uint8Array(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.code = reader.string();
                            break;
                        }
                        case 2: {
                            obj.message = reader.string();
                            break;
                        }
                        case 3: {
                            obj.fault = reader.string();
                            break;
                        }
                        case 4: {
                            obj.phase = reader.string();
                            break;
                        }
                        case 5: {
                            obj.retryable = reader.bool();
                            break;
                        }
                        case 6: {
                            obj.hint = reader.string();
                            break;
                        }
                        case 7: {
                            obj.details = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.code`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.message`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 3: {
                            yield {
                                field: `${prefix}.fault`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 4: {
                            yield {
                                field: `${prefix}.phase`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 5: {
                            yield {
                                field: `${prefix}.retryable`,
                                value: reader.bool()
                            };
                            break;
                        }
                        case 6: {
                            yield {
                                field: `${prefix}.hint`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 7: {
                            yield {
                                field: `${prefix}.details`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, Error.codec());
    }
    Error.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, Error.codec(), opts);
    }
    Error.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, Error.codec(), opts);
    }
    Error.stream = stream;
})(Error || (Error = {}));
export var BlobRequest;
(function (BlobRequest) {
    let _codec;
    BlobRequest.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.sha256 != null && obj.sha256.byteLength > 0)) {
                    w.uint32(10);
                    w.bytes(obj.sha256);
                }
                if ((obj.offset != null && obj.offset !== 0)) {
                    w.uint32(16);
                    w.uint64Number(obj.offset);
                }
                if ((obj.length != null && obj.length !== 0)) {
                    w.uint32(24);
                    w.uint32(obj.length);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    sha256: new Uint8Array(0),
                    offset: 0,
                    length: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.sha256 = reader.bytes();
                            break;
                        }
                        case 2: {
                            obj.offset = reader.uint64Number();
                            break;
                        }
                        case 3: {
                            obj.length = reader.uint32();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.sha256`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.offset`,
                                value: reader.uint64Number()
                            };
                            break;
                        }
                        case 3: {
                            yield {
                                field: `${prefix}.length`,
                                value: reader.uint32()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, BlobRequest.codec());
    }
    BlobRequest.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, BlobRequest.codec(), opts);
    }
    BlobRequest.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, BlobRequest.codec(), opts);
    }
    BlobRequest.stream = stream;
})(BlobRequest || (BlobRequest = {}));
export var BlobResponse;
(function (BlobResponse) {
    let _codec;
    BlobResponse.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                obj = { ...obj };
                if (obj.error != null) {
                    obj.chunk = undefined;
                }
                if (obj.chunk != null) {
                    obj.error = undefined;
                }
                if (obj.chunk != null) {
                    w.uint32(10);
                    BlobChunk.codec().encode(obj.chunk, w);
                }
                if (obj.error != null) {
                    w.uint32(18);
                    Error.codec().encode(obj.error, w);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {};
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.chunk = BlobChunk.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.chunk
                            });
                            break;
                        }
                        case 2: {
                            obj.error = Error.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.error
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                if (obj.error != null) {
                    delete obj.chunk;
                }
                if (obj.chunk != null) {
                    delete obj.error;
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield* BlobChunk.codec().stream(reader, reader.uint32(), `${prefix}.chunk`, {
                                limits: opts.limits?.chunk
                            });
                            break;
                        }
                        case 2: {
                            yield* Error.codec().stream(reader, reader.uint32(), `${prefix}.error`, {
                                limits: opts.limits?.error
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, BlobResponse.codec());
    }
    BlobResponse.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, BlobResponse.codec(), opts);
    }
    BlobResponse.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, BlobResponse.codec(), opts);
    }
    BlobResponse.stream = stream;
})(BlobResponse || (BlobResponse = {}));
export var BlobChunk;
(function (BlobChunk) {
    let _codec;
    BlobChunk.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.offset != null && obj.offset !== 0)) {
                    w.uint32(8);
                    w.uint64Number(obj.offset);
                }
                if ((obj.totalBytes != null && obj.totalBytes !== 0)) {
                    w.uint32(16);
                    w.uint64Number(obj.totalBytes);
                }
                if ((obj.data != null && obj.data.byteLength > 0)) {
                    w.uint32(26);
                    w.bytes(obj.data);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    offset: 0,
                    totalBytes: 0,
                    data: new Uint8Array(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.offset = reader.uint64Number();
                            break;
                        }
                        case 2: {
                            obj.totalBytes = reader.uint64Number();
                            break;
                        }
                        case 3: {
                            obj.data = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.offset`,
                                value: reader.uint64Number()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.totalBytes`,
                                value: reader.uint64Number()
                            };
                            break;
                        }
                        case 3: {
                            yield {
                                field: `${prefix}.data`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, BlobChunk.codec());
    }
    BlobChunk.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, BlobChunk.codec(), opts);
    }
    BlobChunk.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, BlobChunk.codec(), opts);
    }
    BlobChunk.stream = stream;
})(BlobChunk || (BlobChunk = {}));
export var SignedOffer;
(function (SignedOffer) {
    let _codec;
    SignedOffer.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.offer != null && obj.offer.byteLength > 0)) {
                    w.uint32(10);
                    w.bytes(obj.offer);
                }
                if ((obj.signature != null && obj.signature.byteLength > 0)) {
                    w.uint32(18);
                    w.bytes(obj.signature);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    offer: new Uint8Array(0),
                    signature: new Uint8Array(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.offer = reader.bytes();
                            break;
                        }
                        case 2: {
                            obj.signature = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.offer`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.signature`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, SignedOffer.codec());
    }
    SignedOffer.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, SignedOffer.codec(), opts);
    }
    SignedOffer.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, SignedOffer.codec(), opts);
    }
    SignedOffer.stream = stream;
})(SignedOffer || (SignedOffer = {}));
export var OffersRequest;
(function (OffersRequest) {
    let _codec;
    OffersRequest.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.runtime != null && obj.runtime !== '')) {
                    w.uint32(10);
                    w.string(obj.runtime);
                }
                if (obj.features != null && obj.features.length > 0) {
                    for (const value of obj.features) {
                        w.uint32(18);
                        w.string(value);
                    }
                }
                if ((obj.provider != null && obj.provider.byteLength > 0)) {
                    w.uint32(26);
                    w.bytes(obj.provider);
                }
                if ((obj.after != null && obj.after.byteLength > 0)) {
                    w.uint32(34);
                    w.bytes(obj.after);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    runtime: '',
                    features: [],
                    provider: new Uint8Array(0),
                    after: new Uint8Array(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.runtime = reader.string();
                            break;
                        }
                        case 2: {
                            if (opts.limits?.features != null && obj.features.length === opts.limits.features) {
                                throw new MaxLengthError('Decode error - repeated field "features" had too many elements');
                            }
                            obj.features.push(reader.string());
                            break;
                        }
                        case 3: {
                            obj.provider = reader.bytes();
                            break;
                        }
                        case 4: {
                            obj.after = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const obj = {
                    features: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.runtime`,
                                value: reader.string()
                            };
                            break;
                        }
                        case 2: {
                            if (opts.limits?.features != null && obj.features === opts.limits.features) {
                                throw new MaxLengthError('Streaming decode error - repeated field "features" had too many elements');
                            }
                            yield {
                                field: `${prefix}.features[]`,
                                index: obj.features,
                                value: reader.string()
                            };
                            obj.features++;
                            break;
                        }
                        case 3: {
                            yield {
                                field: `${prefix}.provider`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        case 4: {
                            yield {
                                field: `${prefix}.after`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, OffersRequest.codec());
    }
    OffersRequest.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, OffersRequest.codec(), opts);
    }
    OffersRequest.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, OffersRequest.codec(), opts);
    }
    OffersRequest.stream = stream;
})(OffersRequest || (OffersRequest = {}));
export var OffersResponse;
(function (OffersResponse) {
    let _codec;
    OffersResponse.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                obj = { ...obj };
                if (obj.error != null) {
                    obj.page = undefined;
                }
                if (obj.page != null) {
                    obj.error = undefined;
                }
                if (obj.page != null) {
                    w.uint32(10);
                    OfferPage.codec().encode(obj.page, w);
                }
                if (obj.error != null) {
                    w.uint32(18);
                    Error.codec().encode(obj.error, w);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {};
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.page = OfferPage.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.page
                            });
                            break;
                        }
                        case 2: {
                            obj.error = Error.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.error
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                if (obj.error != null) {
                    delete obj.page;
                }
                if (obj.page != null) {
                    delete obj.error;
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield* OfferPage.codec().stream(reader, reader.uint32(), `${prefix}.page`, {
                                limits: opts.limits?.page
                            });
                            break;
                        }
                        case 2: {
                            yield* Error.codec().stream(reader, reader.uint32(), `${prefix}.error`, {
                                limits: opts.limits?.error
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, OffersResponse.codec());
    }
    OffersResponse.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, OffersResponse.codec(), opts);
    }
    OffersResponse.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, OffersResponse.codec(), opts);
    }
    OffersResponse.stream = stream;
})(OffersResponse || (OffersResponse = {}));
export var OfferPage;
(function (OfferPage) {
    let _codec;
    OfferPage.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if (obj.offers != null && obj.offers.length > 0) {
                    for (const value of obj.offers) {
                        w.uint32(10);
                        SignedOffer.codec().encode(value, w);
                    }
                }
                if ((obj.more != null && obj.more !== false)) {
                    w.uint32(16);
                    w.bool(obj.more);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    offers: [],
                    more: false
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            if (opts.limits?.offers != null && obj.offers.length === opts.limits.offers) {
                                throw new MaxLengthError('Decode error - repeated field "offers" had too many elements');
                            }
                            obj.offers.push(SignedOffer.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.offers$
                            }));
                            break;
                        }
                        case 2: {
                            obj.more = reader.bool();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const obj = {
                    offers: 0
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            if (opts.limits?.offers != null && obj.offers === opts.limits.offers) {
                                throw new MaxLengthError('Streaming decode error - repeated field "offers" had too many elements');
                            }
                            for (const evt of SignedOffer.codec().stream(reader, reader.uint32(), `${prefix}.offers[]`, {
                                limits: opts.limits?.offers$
                            })) {
                                yield {
                                    ...evt,
                                    index: obj.offers
                                };
                            }
                            obj.offers++;
                            break;
                        }
                        case 2: {
                            yield {
                                field: `${prefix}.more`,
                                value: reader.bool()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, OfferPage.codec());
    }
    OfferPage.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, OfferPage.codec(), opts);
    }
    OfferPage.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, OfferPage.codec(), opts);
    }
    OfferPage.stream = stream;
})(OfferPage || (OfferPage = {}));
export var QuoteRequest;
(function (QuoteRequest) {
    let _codec;
    QuoteRequest.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                if ((obj.spec != null && obj.spec.byteLength > 0)) {
                    w.uint32(10);
                    w.bytes(obj.spec);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {
                    spec: new Uint8Array(0)
                };
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.spec = reader.bytes();
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield {
                                field: `${prefix}.spec`,
                                value: reader.bytes()
                            };
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, QuoteRequest.codec());
    }
    QuoteRequest.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, QuoteRequest.codec(), opts);
    }
    QuoteRequest.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, QuoteRequest.codec(), opts);
    }
    QuoteRequest.stream = stream;
})(QuoteRequest || (QuoteRequest = {}));
export var QuoteResponse;
(function (QuoteResponse) {
    let _codec;
    QuoteResponse.codec = () => {
        if (_codec == null) {
            _codec = message((obj, w, opts = {}) => {
                if (opts.lengthDelimited !== false) {
                    w.fork();
                }
                obj = { ...obj };
                if (obj.error != null) {
                    obj.quote = undefined;
                }
                if (obj.quote != null) {
                    obj.error = undefined;
                }
                if (obj.quote != null) {
                    w.uint32(10);
                    SignedQuote.codec().encode(obj.quote, w);
                }
                if (obj.error != null) {
                    w.uint32(18);
                    Error.codec().encode(obj.error, w);
                }
                if (opts.lengthDelimited !== false) {
                    w.ldelim();
                }
            }, (reader, length, opts = {}) => {
                const obj = {};
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            obj.quote = SignedQuote.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.quote
                            });
                            break;
                        }
                        case 2: {
                            obj.error = Error.codec().decode(reader, reader.uint32(), {
                                limits: opts.limits?.error
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
                if (obj.error != null) {
                    delete obj.quote;
                }
                if (obj.quote != null) {
                    delete obj.error;
                }
                return obj;
            }, function* (reader, length, prefix, opts = {}) {
                const end = length == null ? reader.len : reader.pos + length;
                while (reader.pos < end) {
                    const tag = reader.uint32();
                    switch (tag >>> 3) {
                        case 1: {
                            yield* SignedQuote.codec().stream(reader, reader.uint32(), `${prefix}.quote`, {
                                limits: opts.limits?.quote
                            });
                            break;
                        }
                        case 2: {
                            yield* Error.codec().stream(reader, reader.uint32(), `${prefix}.error`, {
                                limits: opts.limits?.error
                            });
                            break;
                        }
                        default: {
                            reader.skipType(tag & 7);
                            break;
                        }
                    }
                }
            });
        }
        return _codec;
    };
    function encode(obj) {
        return encodeMessage(obj, QuoteResponse.codec());
    }
    QuoteResponse.encode = encode;
    function decode(buf, opts) {
        return decodeMessage(buf, QuoteResponse.codec(), opts);
    }
    QuoteResponse.decode = decode;
    function stream(buf, opts) {
        return streamMessage(buf, QuoteResponse.codec(), opts);
    }
    QuoteResponse.stream = stream;
})(QuoteResponse || (QuoteResponse = {}));
