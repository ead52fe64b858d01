// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/**
 * One-way payment channels, in the chain's coin or an ERC-20 token.
 *
 * A payer deposits coins for one payee and then hands out vouchers, each for a higher sum than the one before; the payee
 * redeems the newest. What is not redeemed goes back to the payer: at once where the payee consents, otherwise after a
 * challenge period, in which the payee can still redeem.
 *
 * Nobody owns this contract, nothing in it can be exchanged or paused, and no call takes longer as more channels are open.
 *
 * Whoever is paid may call back: everything is noted before anything is paid. The guard is for deposits alone, which
 * tell what arrived by how the balance changed: of two deposits of one token, one inside the other, both would count the inner one.
 */
contract SoukChannels is EIP712, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /** One storage slot. No record at all is a channel that was never opened: none is opened with nothing in it. */
    struct Channel {
        /** All that was ever paid in. */
        uint104 deposit;
        /** All that was ever paid to the payee. Of a closed channel, `deposit` is the same: nothing is left. */
        uint104 redeemed;
        /** 0 where the channel is open, CLOSED for ever once it was closed, otherwise when its payer may close it (epoch seconds). */
        uint48 closesAt;
    }

    enum Status {
        None,
        Open,
        Closing,
        Closed
    }

    /** EIP-2098: the highest bit of `vs` is v less 27, the rest is s. */
    struct Signature {
        bytes32 r;
        bytes32 vs;
    }

    /** The payer's promise: of the channel's deposit `amount`, in total, is the payee's. */
    struct Voucher {
        address payer;
        address payee;
        /** The zero address is the chain's own coin. */
        address token;
        /** Of the payer's choice: channels with the same three addresses, each used once. */
        uint256 nonce;
        uint256 amount;
        Signature signature;
    }

    /** The payee's word that a node may consent to closing for it, signed by the payee. */
    struct PayoutAuthorization {
        address node;
        address payout;
        uint64 expiryMs;
        Signature signature;
    }

    /** An EIP-2612 permit for what is deposited; its owner is the caller and its spender this contract. */
    struct Permit {
        uint256 deadline;
        Signature signature;
    }

    bytes32 private constant VOUCHER_TYPE = keccak256("Voucher(bytes32 channelId,uint256 amount)");
    bytes32 private constant CLOSE_TYPE = keccak256("Close(bytes32 channelId,uint256 amount)");
    bytes32 private constant PAYOUT_TYPE =
        keccak256("PayoutAuthorization(address node,address payout,uint64 expiryMs)");
    /** Half the order of secp256k1: of s and its negative, both of which verify, only the lower counts (EIP-2). */
    uint256 private constant HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;
    uint48 private constant CLOSED = type(uint48).max;
    /** More would only lock coins away. */
    uint48 private constant LONGEST_CHALLENGE = 365 days;

    /** How long a payee can still redeem once its payer has started to close, in seconds. */
    uint48 public immutable CHALLENGE_PERIOD;

    mapping(bytes32 channelId => Channel) private _channels;

    event Opened(
        bytes32 indexed channelId,
        address indexed payer,
        address indexed payee,
        address token,
        uint256 nonce,
        uint256 deposit
    );
    /** `deposit` is all that was ever paid in. */
    event ToppedUp(bytes32 indexed channelId, address indexed payee, uint256 deposit);
    /** `redeemed` is all that was ever paid to the payee; what was paid now is what that is more than before. */
    event Redeemed(bytes32 indexed channelId, address indexed payee, uint256 redeemed);
    event CloseStarted(bytes32 indexed channelId, address indexed payee, uint256 closesAt);
    /** `redeemed` is all that was ever paid to the payee, `refunded` what went back to the payer. */
    event Closed(bytes32 indexed channelId, address indexed payee, uint256 redeemed, uint256 refunded);

    error InvalidChallengePeriod();
    error InvalidPayee();
    error InvalidToken();
    /** The coins sent along are not the amount, or are coins sent along for a token. */
    error WrongValue();
    /** The token kept a part of what was paid in: it could not be paid out. */
    error WrongAmountReceived();
    error NothingDeposited();
    error AmountTooLarge();
    /** A channel with this nonce is open, or was. */
    error AlreadyUsed();
    /** There is no such channel, or it is closed. */
    error NotOpen();
    /** Its payer has started to close it. */
    error IsClosing();
    /** Nobody has started to close it. */
    error NotClosing();
    error ChallengePeriodNotOver(uint256 closesAt);
    /** A signature is none, or its s is in the upper half of the order. */
    error InvalidSignature();
    /** The payee, or the payer, refuses coins. */
    error PaymentRefused();
    /** The signature is not the payer's. */
    error NotAVoucher();
    /** The voucher is for less than what the channel is to be closed with. */
    error VoucherTooSmall();
    /** The signature is neither the payee's nor that of a node which it authorised. */
    error NotConsented();
    /** The payee has been paid all that this is for, or all that is there; or there is no such channel, or it is closed. */
    error NothingToRedeem();

    constructor(uint48 challengePeriod) EIP712("souk channels", "1") {
        if (challengePeriod == 0 || challengePeriod > LONGEST_CHALLENGE) revert InvalidChallengePeriod();
        CHALLENGE_PERIOD = challengePeriod;
    }

    /** Opens a channel from the caller. A token must have been approved; it must arrive to the last unit. */
    function open(address payee, address token, uint256 nonce, uint256 amount) external payable nonReentrant {
        _open(payee, token, nonce, amount);
    }

    /** {open}, with the approval in a signature. */
    function openWithPermit(
        address payee,
        address token,
        uint256 nonce,
        uint256 amount,
        Permit calldata permit
    ) external nonReentrant {
        _usePermit(token, amount, permit);
        _open(payee, token, nonce, amount);
    }

    /** Adds to a channel of the caller, unless it is being closed. */
    function topUp(address payee, address token, uint256 nonce, uint256 amount) external payable nonReentrant {
        _topUp(payee, token, nonce, amount);
    }

    /** {topUp}, with the approval in a signature. */
    function topUpWithPermit(
        address payee,
        address token,
        uint256 nonce,
        uint256 amount,
        Permit calldata permit
    ) external nonReentrant {
        _usePermit(token, amount, permit);
        _topUp(payee, token, nonce, amount);
    }

    /**
     * Pays the payee what a voucher is for and was not paid before, as far as the deposit goes. Anyone may call it: the
     * coins go to the payee.
     */
    function redeem(Voucher calldata voucher) external {
        uint256 paid = _redeem(voucher);
        if (paid == 0) revert NothingToRedeem();
        _pay(voucher.payee, voucher.token, paid);
    }

    /**
     * {redeem} for many. Vouchers next to each other for one payee and token are paid in one transfer. One that pays nothing
     * any more is passed over, so that a payer who closes a channel meanwhile does not undo the rest.
     */
    function redeemBatch(Voucher[] calldata vouchers) external {
        uint256[] memory paid = new uint256[](vouchers.length);
        uint256 total = 0;
        for (uint256 i = 0; i < vouchers.length; ++i) {
            paid[i] = _redeem(vouchers[i]);
            total += paid[i];
        }
        if (total == 0) revert NothingToRedeem();
        uint256 sum = 0;
        for (uint256 i = 0; i < vouchers.length; ++i) {
            sum += paid[i];
            Voucher calldata voucher = vouchers[i];
            bool goesOn = i + 1 < vouchers.length &&
                vouchers[i + 1].payee == voucher.payee &&
                vouchers[i + 1].token == voucher.token;
            if (goesOn) continue;
            if (sum > 0) _pay(voucher.payee, voucher.token, sum);
            sum = 0;
        }
    }

    /**
     * Closes a channel at once: `amount`, in total, is the payee's, and the payer gets the rest. The payee consents by its
     * signature over `Close`, or by that of a node and its authorization. The payer has consented to as much as its
     * voucher is for; where `amount` was paid before, the voucher's signature is not looked at.
     */
    function closeCooperatively(
        Voucher calldata voucher,
        uint256 amount,
        Signature calldata consent,
        PayoutAuthorization calldata authorization
    ) external {
        bytes32 channelId = _idOf(voucher);
        Channel memory channel = _existing(channelId);
        _requireConsent(
            voucher.payee,
            _hashTypedDataV4(keccak256(abi.encode(CLOSE_TYPE, channelId, amount))),
            consent,
            authorization
        );
        uint256 paid = 0;
        if (amount > channel.redeemed) {
            if (voucher.amount < amount) revert VoucherTooSmall();
            _requireVoucher(channelId, voucher);
            paid = (amount < channel.deposit ? amount : channel.deposit) - channel.redeemed;
        }
        uint256 total = channel.redeemed + paid;
        uint256 refunded = _close(channelId, channel, voucher.payee, total);
        if (paid > 0) _pay(voucher.payee, voucher.token, paid);
        if (refunded > 0) _pay(voucher.payer, voucher.token, refunded);
    }

    /** Starts the challenge period of a channel of the caller. */
    function startClose(address payee, address token, uint256 nonce) external {
        bytes32 channelId = channelIdOf(msg.sender, payee, token, nonce);
        if (_existing(channelId).closesAt != 0) revert IsClosing();
        uint48 closesAt = uint48(block.timestamp) + CHALLENGE_PERIOD;
        _channels[channelId].closesAt = closesAt;
        emit CloseStarted(channelId, payee, closesAt);
    }

    /** Once the challenge period is over: gives the payer what was not redeemed. Anyone may call it. */
    function finishClose(address payer, address payee, address token, uint256 nonce) external {
        bytes32 channelId = channelIdOf(payer, payee, token, nonce);
        Channel memory channel = _existing(channelId);
        if (channel.closesAt == 0) revert NotClosing();
        if (block.timestamp < channel.closesAt) revert ChallengePeriodNotOver(channel.closesAt);
        uint256 refunded = _close(channelId, channel, payee, channel.redeemed);
        if (refunded > 0) _pay(payer, token, refunded);
    }

    /** How a channel stands. `closesAt` is 0 unless it is closing. */
    function channelOf(
        bytes32 channelId
    ) external view returns (Status status, uint256 deposit, uint256 redeemed, uint256 closesAt) {
        Channel memory channel = _channels[channelId];
        (deposit, redeemed) = (channel.deposit, channel.redeemed);
        if (channel.closesAt == CLOSED) status = Status.Closed;
        else if (channel.closesAt != 0) (status, closesAt) = (Status.Closing, channel.closesAt);
        else if (channel.deposit != 0) status = Status.Open;
    }

    /** A channel's id, which vouchers name. The contract and the chain are in their domain. */
    function channelIdOf(address payer, address payee, address token, uint256 nonce) public pure returns (bytes32) {
        return keccak256(abi.encode(payer, payee, token, nonce));
    }

    function _open(address payee, address token, uint256 nonce, uint256 amount) private {
        // Coins that the contract paid to itself would be nobody's.
        if (payee == address(0) || payee == address(this)) revert InvalidPayee();
        if (amount == 0) revert NothingDeposited();
        bytes32 channelId = channelIdOf(msg.sender, payee, token, nonce);
        Channel storage channel = _channels[channelId];
        if (channel.deposit != 0 || channel.closesAt != 0) revert AlreadyUsed();
        channel.deposit = _amountOf(amount);
        emit Opened(channelId, msg.sender, payee, token, nonce, amount);
        _receive(token, amount);
    }

    function _topUp(address payee, address token, uint256 nonce, uint256 amount) private {
        if (amount == 0) revert NothingDeposited();
        bytes32 channelId = channelIdOf(msg.sender, payee, token, nonce);
        Channel memory channel = _existing(channelId);
        if (channel.closesAt != 0) revert IsClosing();
        uint104 deposit = _amountOf(uint256(channel.deposit) + _amountOf(amount));
        _channels[channelId].deposit = deposit;
        emit ToppedUp(channelId, payee, deposit);
        _receive(token, amount);
    }

    /** Notes what a voucher pays; 0 where that is nothing. */
    function _redeem(Voucher calldata voucher) private returns (uint256 paid) {
        bytes32 channelId = _idOf(voucher);
        _requireVoucher(channelId, voucher);
        Channel memory channel = _channels[channelId];
        uint256 amount = voucher.amount < channel.deposit ? voucher.amount : channel.deposit;
        // Of a closed channel all is redeemed, and where there never was one nothing is deposited.
        if (amount <= channel.redeemed) return 0;
        paid = amount - channel.redeemed;
        channel.redeemed = uint104(amount);
        _channels[channelId] = channel;
        emit Redeemed(channelId, voucher.payee, amount);
    }

    /** Notes that a channel is closed for ever with `total` redeemed. Returns what is left for the payer. */
    function _close(
        bytes32 channelId,
        Channel memory channel,
        address payee,
        uint256 total
    ) private returns (uint256 refunded) {
        refunded = channel.deposit - total;
        _channels[channelId] = Channel({deposit: uint104(total), redeemed: uint104(total), closesAt: CLOSED});
        emit Closed(channelId, payee, total, refunded);
    }

    function _existing(bytes32 channelId) private view returns (Channel memory channel) {
        channel = _channels[channelId];
        if (channel.deposit == 0 || channel.closesAt == CLOSED) revert NotOpen();
    }

    function _idOf(Voucher calldata voucher) private pure returns (bytes32) {
        return channelIdOf(voucher.payer, voucher.payee, voucher.token, voucher.nonce);
    }

    function _requireVoucher(bytes32 channelId, Voucher calldata voucher) private view {
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(VOUCHER_TYPE, channelId, voucher.amount)));
        if (_signerOf(digest, voucher.signature) != voucher.payer) revert NotAVoucher();
    }

    function _requireConsent(
        address payee,
        bytes32 digest,
        Signature calldata consent,
        PayoutAuthorization calldata authorization
    ) private view {
        address signer = _signerOf(digest, consent);
        if (signer == payee) return;
        bytes32 payout = _hashTypedDataV4(
            keccak256(abi.encode(PAYOUT_TYPE, authorization.node, authorization.payout, authorization.expiryMs))
        );
        bool authorized = signer == authorization.node &&
            authorization.payout == payee &&
            block.timestamp * 1000 < authorization.expiryMs &&
            _signerOf(payout, authorization.signature) == payee;
        if (!authorized) revert NotConsented();
    }

    /** Never the zero address, which nobody has the key of. */
    function _signerOf(bytes32 digest, Signature calldata signature) private pure returns (address signer) {
        (uint8 v, bytes32 s) = _unpacked(signature.vs);
        if (uint256(s) > HALF_ORDER) revert InvalidSignature();
        signer = ecrecover(digest, v, signature.r, s);
        if (signer == address(0)) revert InvalidSignature();
    }

    function _unpacked(bytes32 vs) private pure returns (uint8 v, bytes32 s) {
        v = uint8((uint256(vs) >> 255) + 27);
        s = vs & bytes32(uint256(type(int256).max));
    }

    function _usePermit(address token, uint256 amount, Permit calldata permit) private {
        if (token.code.length == 0) revert InvalidToken();
        // Whoever has seen the permit can use it first: then the approval is there, and where it is not the transfer fails.
        (uint8 v, bytes32 s) = _unpacked(permit.signature.vs);
        try
            IERC20Permit(token).permit(msg.sender, address(this), amount, permit.deadline, v, permit.signature.r, s)
        {} catch {}
    }

    function _receive(address token, uint256 amount) private {
        if (token == address(0)) {
            if (msg.value != amount) revert WrongValue();
            return;
        }
        if (msg.value != 0) revert WrongValue();
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        if (IERC20(token).balanceOf(address(this)) != before + amount) revert WrongAmountReceived();
    }

    function _pay(address to, address token, uint256 amount) private {
        if (token != address(0)) {
            IERC20(token).safeTransfer(to, amount);
            return;
        }
        (bool paid, ) = to.call{value: amount}("");
        if (!paid) revert PaymentRefused();
    }

    function _amountOf(uint256 amount) private pure returns (uint104) {
        if (amount > type(uint104).max) revert AmountTooLarge();
        return uint104(amount);
    }
}
