// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/** An honest token, with permits. */
contract PermitToken is ERC20Permit {
    constructor() ERC20("Permit", "PMT") ERC20Permit("Permit") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/** Keeps a hundredth of every transfer. */
contract FeeToken is ERC20 {
    constructor() ERC20("Fee", "FEE") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from != address(0) && to != address(0)) super._update(to, address(0xfee), amount / 100);
    }
}

/** Answers false to a transfer rather than to revert, as some old tokens do, once it is told to. */
contract FalseToken is ERC20 {
    bool public refusing;

    constructor() ERC20("False", "FLS") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function refuse(bool refusing_) external {
        refusing = refusing_;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        return !refusing && super.transfer(to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        return !refusing && super.transferFrom(from, to, amount);
    }
}

/** Lets nobody change what is allowed but to nothing first, as Tether's does. */
contract StrictToken is ERC20 {
    constructor() ERC20("Strict", "STR") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function _approve(address owner, address spender, uint256 value, bool emitEvent) internal override {
        require(!emitEvent || value == 0 || allowance(owner, spender) == 0, "not from nothing");
        super._approve(owner, spender, value, emitEvent);
    }
}

/** Takes a fee and calls its sender first: a deposit inside a deposit would make up for the fee, and be counted twice. */
contract HookedFeeToken is FeeToken {
    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        if (from.code.length > 0) ITransferHook(from).beforeTransfer();
        return super.transferFrom(from, to, amount);
    }
}

interface ITransferHook {
    function beforeTransfer() external;
}
