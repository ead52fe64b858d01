// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

/** An account that does as it is told, and what it was told beforehand when it receives coins. */
contract Puppet {
    address private _target;
    bytes private _call;
    bool public refusing;
    /** Whether what it did on receiving went through. */
    bool public succeeded;
    uint256 public received;

    function refuse(bool refusing_) external {
        refusing = refusing_;
    }

    /** What to call when coins arrive, or a token is about to be taken. */
    function prepare(address target, bytes calldata data) external {
        (_target, _call) = (target, data);
    }

    function execute(address target, bytes calldata data) external payable {
        (bool done, bytes memory answer) = target.call{value: msg.value}(data);
        if (done) return;
        assembly ("memory-safe") {
            revert(add(answer, 32), mload(answer))
        }
    }

    function beforeTransfer() external {
        _act();
    }

    receive() external payable {
        require(!refusing, "refused");
        received += 1;
        _act();
    }

    function _act() private {
        if (_target == address(0)) return;
        address target = _target;
        _target = address(0);
        (succeeded, ) = target.call(_call);
        _target = target;
    }
}
