// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

/**
 * Coins that a provider bonds for its node, and loses where the node has signed two results of one task.
 *
 * That is all that a contract can judge: each task has one receipt, so that two which differ in the result are proof
 * enough, whoever shows them. Whether a single result is right it cannot tell, and takes no one's word for it.
 *
 * Of what is lost one half is burned: else a liar would report itself from another address, and lose nothing. The other half is the
 * reporter's: else nobody would pay for the transaction.
 *
 * Nobody owns this contract, and the types of receipts that it can read are fixed when it is deployed.
 */
contract SoukStake {
    struct Stake {
        /** Who gets the coins back; no address where nothing is bonded. */
        address beneficiary;
        /** When they can be withdrawn, epoch seconds; 0 where that was not asked for. */
        uint48 withdrawableAt;
        /** For ever: a node that has lied bonds nothing again. */
        bool slashed;
        uint256 amount;
    }

    /** EIP-2098: the highest bit of `vs` is v less 27, the rest is s. */
    struct Signature {
        bytes32 r;
        bytes32 vs;
    }

    /** A receipt as EIP-712 encodes it: the hash of its type and one word for each member, in their order. */
    struct Receipt {
        bytes32 typeHash;
        bytes32[] words;
        Signature signature;
    }

    /** Which word is what, in every type of receipt. */
    uint256 private constant TASK_ID = 1;
    uint256 private constant PROVIDER = 3;
    uint256 private constant OUTCOME = 6;
    uint256 private constant STDOUT = 10;
    uint256 private constant STDERR = 11;
    uint256 private constant OUTPUTS = 12;
    uint256 private constant FEWEST_WORDS = 14;
    bytes32 private constant DOMAIN_TYPE = keccak256("EIP712Domain(string name,string version,uint256 chainId)");
    /** Half the order of secp256k1: of s and its negative, both of which verify, only the lower counts (EIP-2). */
    uint256 private constant HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;
    uint48 private constant LONGEST_UNBONDING = 365 days;

    /** How long coins can still be lost after it was asked for them, in seconds. */
    uint48 public immutable UNBONDING_PERIOD;

    /** Types of receipts, by their hash. */
    mapping(bytes32 typeHash => bool) public isReceiptType;
    mapping(address node => Stake) public stakes;

    event Bonded(address indexed node, address indexed beneficiary, uint256 amount);
    event UnbondingStarted(address indexed node, uint256 withdrawableAt);
    event Withdrawn(address indexed node, address indexed beneficiary, uint256 amount);
    event Slashed(address indexed node, address indexed reporter, bytes32 indexed taskId, uint256 burned, uint256 rewarded);

    error InvalidUnbondingPeriod();
    error NoReceiptTypes();
    error NothingBonded();
    error InvalidBeneficiary();
    /** Coins that are bonded go to the address that was named first. */
    error OtherBeneficiary();
    /** The node has lied once. */
    error AlreadySlashed();
    /** Bonded coins are on their way out. */
    error IsUnbonding();
    /** Only the node and its beneficiary may ask for the coins. */
    error NotTheirs();
    error NotUnbonding();
    error UnbondingPeriodNotOver(uint256 withdrawableAt);
    error UnknownReceiptType();
    /** The receipts are of two tasks. */
    error OtherTask();
    /** A receipt is not of this node. */
    error OtherProvider();
    /** The receipts say the same of what came out. */
    error SameResult();
    /** A signature is none, or its s is in the upper half of the order. */
    error InvalidSignature();
    /** A receipt was not signed by the node, or for another chain. */
    error NotSigned();
    error PaymentRefused();

    constructor(bytes32[] memory receiptTypes, uint48 unbondingPeriod) {
        if (unbondingPeriod == 0 || unbondingPeriod > LONGEST_UNBONDING) revert InvalidUnbondingPeriod();
        if (receiptTypes.length == 0) revert NoReceiptTypes();
        UNBONDING_PERIOD = unbondingPeriod;
        for (uint256 i = 0; i < receiptTypes.length; ++i) isReceiptType[receiptTypes[i]] = true;
    }

    /** Bonds coins for the calling node; `beneficiary`, which can be a cold address, is who they go back to. */
    function bond(address beneficiary) external payable {
        if (msg.value == 0) revert NothingBonded();
        if (beneficiary == address(0) || beneficiary == address(this)) revert InvalidBeneficiary();
        Stake storage stake = stakes[msg.sender];
        if (stake.slashed) revert AlreadySlashed();
        if (stake.withdrawableAt != 0) revert IsUnbonding();
        if (stake.beneficiary != address(0) && stake.beneficiary != beneficiary) revert OtherBeneficiary();
        stake.beneficiary = beneficiary;
        stake.amount += msg.value;
        emit Bonded(msg.sender, beneficiary, stake.amount);
    }

    /** Asks for all that is bonded for a node: as the node, or as its beneficiary. */
    function startUnbonding(address node) external {
        Stake storage stake = stakes[node];
        if (stake.amount == 0) revert NothingBonded();
        if (msg.sender != node && msg.sender != stake.beneficiary) revert NotTheirs();
        if (stake.withdrawableAt != 0) revert IsUnbonding();
        stake.withdrawableAt = uint48(block.timestamp) + UNBONDING_PERIOD;
        emit UnbondingStarted(node, stake.withdrawableAt);
    }

    /** Gives the beneficiary all that is bonded, once the unbonding period is over. Anyone may call it. */
    function withdraw(address node) external {
        Stake memory stake = stakes[node];
        if (stake.withdrawableAt == 0) revert NotUnbonding();
        if (block.timestamp < stake.withdrawableAt) revert UnbondingPeriodNotOver(stake.withdrawableAt);
        delete stakes[node];
        emit Withdrawn(node, stake.beneficiary, stake.amount);
        _pay(stake.beneficiary, stake.amount);
    }

    /**
     * Shows two receipts of one task that a node has signed for this chain, and which differ in what came out: outcome, stdout,
     * stderr or result files. That they differ in times or usage alone proves nothing here.
     */
    function slash(address node, Receipt calldata one, Receipt calldata other) external {
        Stake storage stake = stakes[node];
        if (stake.slashed) revert AlreadySlashed();
        uint256 amount = stake.amount;
        if (amount == 0) revert NothingBonded();
        _requireSigned(node, one);
        _requireSigned(node, other);
        bytes32 taskId = one.words[TASK_ID];
        if (taskId != other.words[TASK_ID]) revert OtherTask();
        bool same = one.words[OUTCOME] == other.words[OUTCOME] &&
            one.words[STDOUT] == other.words[STDOUT] &&
            one.words[STDERR] == other.words[STDERR] &&
            one.words[OUTPUTS] == other.words[OUTPUTS];
        if (same) revert SameResult();
        delete stakes[node];
        stake.slashed = true;
        uint256 rewarded = amount / 2;
        emit Slashed(node, msg.sender, taskId, amount - rewarded, rewarded);
        _pay(address(0), amount - rewarded);
        _pay(msg.sender, rewarded);
    }

    function _requireSigned(address node, Receipt calldata receipt) private view {
        if (!isReceiptType[receipt.typeHash]) revert UnknownReceiptType();
        if (receipt.words.length < FEWEST_WORDS) revert UnknownReceiptType();
        if (receipt.words[PROVIDER] != bytes32(uint256(uint160(node)))) revert OtherProvider();
        // Computed anew, as the chain's id can change; this is called once in the life of a node.
        bytes32 domain = keccak256(abi.encode(DOMAIN_TYPE, keccak256("souk"), keccak256("1"), block.chainid));
        bytes32 struct_ = keccak256(abi.encodePacked(receipt.typeHash, receipt.words));
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", domain, struct_));
        if (_signerOf(digest, receipt.signature) != node) revert NotSigned();
    }

    /** Never the zero address, which nobody has the key of. */
    function _signerOf(bytes32 digest, Signature calldata signature) private pure returns (address signer) {
        uint8 v = uint8((uint256(signature.vs) >> 255) + 27);
        bytes32 s = signature.vs & bytes32(uint256(type(int256).max));
        if (uint256(s) > HALF_ORDER) revert InvalidSignature();
        signer = ecrecover(digest, v, signature.r, s);
        if (signer == address(0)) revert InvalidSignature();
    }

    function _pay(address to, uint256 amount) private {
        (bool paid, ) = to.call{value: amount}("");
        if (!paid) revert PaymentRefused();
    }
}
