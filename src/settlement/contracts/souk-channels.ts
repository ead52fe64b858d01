// Generated from contracts/SoukChannels.sol by scripts/generate-contracts.ts: do not edit.
export const SOUK_CHANNELS_ABI = [
  {
    "inputs": [
      {
        "internalType": "uint48",
        "name": "challengePeriod",
        "type": "uint48"
      }
    ],
    "stateMutability": "nonpayable",
    "type": "constructor"
  },
  {
    "inputs": [],
    "name": "AlreadyUsed",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "AmountTooLarge",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "closesAt",
        "type": "uint256"
      }
    ],
    "name": "ChallengePeriodNotOver",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "ECDSAInvalidSignature",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "length",
        "type": "uint256"
      }
    ],
    "name": "ECDSAInvalidSignatureLength",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "s",
        "type": "bytes32"
      }
    ],
    "name": "ECDSAInvalidSignatureS",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "FailedCall",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "balance",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "needed",
        "type": "uint256"
      }
    ],
    "name": "InsufficientBalance",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "InvalidChallengePeriod",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "InvalidPayee",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "InvalidShortString",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "InvalidToken",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "IsClosing",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "NotAVoucher",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "NotClosing",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "NotConsented",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "NotOpen",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "NothingDeposited",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "NothingToRedeem",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "ReentrancyGuardReentrantCall",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "token",
        "type": "address"
      }
    ],
    "name": "SafeERC20FailedOperation",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "string",
        "name": "str",
        "type": "string"
      }
    ],
    "name": "StringTooLong",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "VoucherTooSmall",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "WrongAmountReceived",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "WrongValue",
    "type": "error"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "channelId",
        "type": "bytes32"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "payee",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "closesAt",
        "type": "uint256"
      }
    ],
    "name": "CloseStarted",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "channelId",
        "type": "bytes32"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "payee",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "redeemed",
        "type": "uint256"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "refunded",
        "type": "uint256"
      }
    ],
    "name": "Closed",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [],
    "name": "EIP712DomainChanged",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "channelId",
        "type": "bytes32"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "payer",
        "type": "address"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "payee",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "address",
        "name": "token",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "nonce",
        "type": "uint256"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "deposit",
        "type": "uint256"
      }
    ],
    "name": "Opened",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "channelId",
        "type": "bytes32"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "payee",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "redeemed",
        "type": "uint256"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "paid",
        "type": "uint256"
      }
    ],
    "name": "Redeemed",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "channelId",
        "type": "bytes32"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "payee",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "deposit",
        "type": "uint256"
      }
    ],
    "name": "ToppedUp",
    "type": "event"
  },
  {
    "inputs": [],
    "name": "CHALLENGE_PERIOD",
    "outputs": [
      {
        "internalType": "uint48",
        "name": "",
        "type": "uint48"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "payer",
        "type": "address"
      },
      {
        "internalType": "address",
        "name": "payee",
        "type": "address"
      },
      {
        "internalType": "address",
        "name": "token",
        "type": "address"
      },
      {
        "internalType": "uint256",
        "name": "nonce",
        "type": "uint256"
      }
    ],
    "name": "channelIdOf",
    "outputs": [
      {
        "internalType": "bytes32",
        "name": "",
        "type": "bytes32"
      }
    ],
    "stateMutability": "pure",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "channelId",
        "type": "bytes32"
      }
    ],
    "name": "channelOf",
    "outputs": [
      {
        "internalType": "enum SoukChannels.Status",
        "name": "status",
        "type": "uint8"
      },
      {
        "internalType": "uint256",
        "name": "deposit",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "redeemed",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "closesAt",
        "type": "uint256"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "components": [
          {
            "internalType": "address",
            "name": "payer",
            "type": "address"
          },
          {
            "internalType": "address",
            "name": "payee",
            "type": "address"
          },
          {
            "internalType": "address",
            "name": "token",
            "type": "address"
          },
          {
            "internalType": "uint256",
            "name": "nonce",
            "type": "uint256"
          },
          {
            "internalType": "uint256",
            "name": "amount",
            "type": "uint256"
          },
          {
            "components": [
              {
                "internalType": "uint8",
                "name": "v",
                "type": "uint8"
              },
              {
                "internalType": "bytes32",
                "name": "r",
                "type": "bytes32"
              },
              {
                "internalType": "bytes32",
                "name": "s",
                "type": "bytes32"
              }
            ],
            "internalType": "struct SoukChannels.Signature",
            "name": "signature",
            "type": "tuple"
          }
        ],
        "internalType": "struct SoukChannels.Voucher",
        "name": "voucher",
        "type": "tuple"
      },
      {
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      },
      {
        "components": [
          {
            "internalType": "uint8",
            "name": "v",
            "type": "uint8"
          },
          {
            "internalType": "bytes32",
            "name": "r",
            "type": "bytes32"
          },
          {
            "internalType": "bytes32",
            "name": "s",
            "type": "bytes32"
          }
        ],
        "internalType": "struct SoukChannels.Signature",
        "name": "consent",
        "type": "tuple"
      },
      {
        "components": [
          {
            "internalType": "address",
            "name": "node",
            "type": "address"
          },
          {
            "internalType": "address",
            "name": "payout",
            "type": "address"
          },
          {
            "internalType": "uint64",
            "name": "expiryMs",
            "type": "uint64"
          },
          {
            "components": [
              {
                "internalType": "uint8",
                "name": "v",
                "type": "uint8"
              },
              {
                "internalType": "bytes32",
                "name": "r",
                "type": "bytes32"
              },
              {
                "internalType": "bytes32",
                "name": "s",
                "type": "bytes32"
              }
            ],
            "internalType": "struct SoukChannels.Signature",
            "name": "signature",
            "type": "tuple"
          }
        ],
        "internalType": "struct SoukChannels.PayoutAuthorization",
        "name": "authorization",
        "type": "tuple"
      }
    ],
    "name": "closeCooperatively",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "eip712Domain",
    "outputs": [
      {
        "internalType": "bytes1",
        "name": "fields",
        "type": "bytes1"
      },
      {
        "internalType": "string",
        "name": "name",
        "type": "string"
      },
      {
        "internalType": "string",
        "name": "version",
        "type": "string"
      },
      {
        "internalType": "uint256",
        "name": "chainId",
        "type": "uint256"
      },
      {
        "internalType": "address",
        "name": "verifyingContract",
        "type": "address"
      },
      {
        "internalType": "bytes32",
        "name": "salt",
        "type": "bytes32"
      },
      {
        "internalType": "uint256[]",
        "name": "extensions",
        "type": "uint256[]"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "payer",
        "type": "address"
      },
      {
        "internalType": "address",
        "name": "payee",
        "type": "address"
      },
      {
        "internalType": "address",
        "name": "token",
        "type": "address"
      },
      {
        "internalType": "uint256",
        "name": "nonce",
        "type": "uint256"
      }
    ],
    "name": "finishClose",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "payee",
        "type": "address"
      },
      {
        "internalType": "address",
        "name": "token",
        "type": "address"
      },
      {
        "internalType": "uint256",
        "name": "nonce",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      }
    ],
    "name": "open",
    "outputs": [],
    "stateMutability": "payable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "payee",
        "type": "address"
      },
      {
        "internalType": "address",
        "name": "token",
        "type": "address"
      },
      {
        "internalType": "uint256",
        "name": "nonce",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      },
      {
        "components": [
          {
            "internalType": "uint256",
            "name": "deadline",
            "type": "uint256"
          },
          {
            "components": [
              {
                "internalType": "uint8",
                "name": "v",
                "type": "uint8"
              },
              {
                "internalType": "bytes32",
                "name": "r",
                "type": "bytes32"
              },
              {
                "internalType": "bytes32",
                "name": "s",
                "type": "bytes32"
              }
            ],
            "internalType": "struct SoukChannels.Signature",
            "name": "signature",
            "type": "tuple"
          }
        ],
        "internalType": "struct SoukChannels.Permit",
        "name": "permit",
        "type": "tuple"
      }
    ],
    "name": "openWithPermit",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "components": [
          {
            "internalType": "address",
            "name": "payer",
            "type": "address"
          },
          {
            "internalType": "address",
            "name": "payee",
            "type": "address"
          },
          {
            "internalType": "address",
            "name": "token",
            "type": "address"
          },
          {
            "internalType": "uint256",
            "name": "nonce",
            "type": "uint256"
          },
          {
            "internalType": "uint256",
            "name": "amount",
            "type": "uint256"
          },
          {
            "components": [
              {
                "internalType": "uint8",
                "name": "v",
                "type": "uint8"
              },
              {
                "internalType": "bytes32",
                "name": "r",
                "type": "bytes32"
              },
              {
                "internalType": "bytes32",
                "name": "s",
                "type": "bytes32"
              }
            ],
            "internalType": "struct SoukChannels.Signature",
            "name": "signature",
            "type": "tuple"
          }
        ],
        "internalType": "struct SoukChannels.Voucher",
        "name": "voucher",
        "type": "tuple"
      }
    ],
    "name": "redeem",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "components": [
          {
            "internalType": "address",
            "name": "payer",
            "type": "address"
          },
          {
            "internalType": "address",
            "name": "payee",
            "type": "address"
          },
          {
            "internalType": "address",
            "name": "token",
            "type": "address"
          },
          {
            "internalType": "uint256",
            "name": "nonce",
            "type": "uint256"
          },
          {
            "internalType": "uint256",
            "name": "amount",
            "type": "uint256"
          },
          {
            "components": [
              {
                "internalType": "uint8",
                "name": "v",
                "type": "uint8"
              },
              {
                "internalType": "bytes32",
                "name": "r",
                "type": "bytes32"
              },
              {
                "internalType": "bytes32",
                "name": "s",
                "type": "bytes32"
              }
            ],
            "internalType": "struct SoukChannels.Signature",
            "name": "signature",
            "type": "tuple"
          }
        ],
        "internalType": "struct SoukChannels.Voucher[]",
        "name": "vouchers",
        "type": "tuple[]"
      }
    ],
    "name": "redeemBatch",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "payee",
        "type": "address"
      },
      {
        "internalType": "address",
        "name": "token",
        "type": "address"
      },
      {
        "internalType": "uint256",
        "name": "nonce",
        "type": "uint256"
      }
    ],
    "name": "startClose",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "payee",
        "type": "address"
      },
      {
        "internalType": "address",
        "name": "token",
        "type": "address"
      },
      {
        "internalType": "uint256",
        "name": "nonce",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      }
    ],
    "name": "topUp",
    "outputs": [],
    "stateMutability": "payable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "payee",
        "type": "address"
      },
      {
        "internalType": "address",
        "name": "token",
        "type": "address"
      },
      {
        "internalType": "uint256",
        "name": "nonce",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      },
      {
        "components": [
          {
            "internalType": "uint256",
            "name": "deadline",
            "type": "uint256"
          },
          {
            "components": [
              {
                "internalType": "uint8",
                "name": "v",
                "type": "uint8"
              },
              {
                "internalType": "bytes32",
                "name": "r",
                "type": "bytes32"
              },
              {
                "internalType": "bytes32",
                "name": "s",
                "type": "bytes32"
              }
            ],
            "internalType": "struct SoukChannels.Signature",
            "name": "signature",
            "type": "tuple"
          }
        ],
        "internalType": "struct SoukChannels.Permit",
        "name": "permit",
        "type": "tuple"
      }
    ],
    "name": "topUpWithPermit",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  }
] as const
export const SOUK_CHANNELS_BYTECODE = '0x610180806040523461019f576020816125a0803803809161002082856101a3565b83398101031261019f575165ffffffffffff811680820361019f576040516100496040826101a3565b600d815260208101906c736f756b206368616e6e656c7360981b8252604051916100746040846101a3565b600183526020830191603160f81b835261008d816101da565b6101205261009a846101da565b61014052519020918260e05251902080610100524660a0526040519060208201927f8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f8452604083015260608201524660808201523060a082015260a0815261010360c0826101a3565b5190206080523060c0528015908115610191575b50610182576101605260405161235a90816102468239608051816120d0015260a05181612187015260c051816120a1015260e0518161211f01526101005181612145015261012051816104410152610140518161046a01526101605181818161025501526103e70152f35b63b4e1243360e01b5f5260045ffd5b6301e133809150115f610117565b5f80fd5b601f909101601f19168101906001600160401b038211908210176101c657604052565b634e487b7160e01b5f52604160045260245ffd5b601f8151116102055760208151910151602082106101f6571790565b5f198260200360031b1b161790565b604460209160405192839163305a27a960e01b83528160048401528051918291826024860152018484015e5f828201840152601f01601f19168101030190fdfe60806040526004361015610011575f80fd5b5f3560e01c806310d1a4f514610aa8578063171a2a7d146109c25780632bc9127b146109ae57806332746d4f1461099157806342f75a43146106415780634d94243a1461053d57806384b0196e1461040b578063c3a079ed146103ab578063d80dcc8314610393578063e8b9b5dd146101ab578063e9c03b5f1461017d578063f314f6c9146100d05763fbf1db9e146100a8575f80fd5b346100cc5760206100c46100bb36610e44565b9291909161108e565b604051908152f35b5f80fd5b346100cc576101007ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc3601126100cc576101086110db565b61011061114f565b8015610155576101309061012261101a565b61012a61103d565b90611459565b5f7f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005d005b7f9890af60000000000000000000000000000000000000000000000000000000005f5260045ffd5b346100cc576101306101a661019136610d2b565b61019f9591959492946110db565b8584611559565b611c36565b346100cc5760607ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc3601126100cc5760043573ffffffffffffffffffffffffffffffffffffffff8116908181036100cc576024359073ffffffffffffffffffffffffffffffffffffffff821682036100cc57610233916102296110db565b604435913361108e565b65ffffffffffff60406102458361175a565b01511661036b5765ffffffffffff7f00000000000000000000000000000000000000000000000000000000000000001665ffffffffffff42160165ffffffffffff811161033e5760207f0bf41b27f4c5729aebbd7a4a968967d87fa1cfdeffd7e5390dd954fcec0144ab91835f526002825261030a8160405f209079ffffffffffffffffffffffffffffffffffffffffffffffffffff7fffffffffffff000000000000000000000000000000000000000000000000000083549260d01b169116179055565b65ffffffffffff60405191168152a35f7f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005d005b7f4e487b71000000000000000000000000000000000000000000000000000000005f52601160045260245ffd5b7f7beabe03000000000000000000000000000000000000000000000000000000005f5260045ffd5b61013061039f36610dce565b926101a69291926110db565b346100cc575f7ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc3601126100cc57602060405165ffffffffffff7f0000000000000000000000000000000000000000000000000000000000000000168152f35b346100cc575f7ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc3601126100cc576104e16104657f00000000000000000000000000000000000000000000000000000000000000006121ad565b61048e7f00000000000000000000000000000000000000000000000000000000000000006121ad565b60206104ef604051926104a18385610f63565b5f84525f3681376040519586957f0f00000000000000000000000000000000000000000000000000000000000000875260e08588015260e0870190610ed7565b908582036040870152610ed7565b4660608501523060808501525f60a085015283810360c08501528180845192838152019301915f5b82811061052657505050500390f35b835185528695509381019392810192600101610517565b346100cc5761056261054e36610e44565b61055a949192946110db565b82858561108e565b61056b8161175a565b936040850165ffffffffffff815116156106195765ffffffffffff905116948542106105ed5790816cffffffffffffffffffffffffff60206105b1959401511692611ab5565b90816105dc575f7f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005d005b6105e592611459565b808080610130565b857ff5f59f07000000000000000000000000000000000000000000000000000000005f5260045260245ffd5b7ff9b46b5f000000000000000000000000000000000000000000000000000000005f5260045ffd5b346100cc577ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc360161024081126100cc57610100136100cc576101043560607ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffedc3601126100cc5760c07ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe7c3601126100cc576106da6110db565b6004359073ffffffffffffffffffffffffffffffffffffffff82169081831415806100cc5760243573ffffffffffffffffffffffffffffffffffffffff811681036100cc576044359073ffffffffffffffffffffffffffffffffffffffff821682036100cc5761074e91606435918761108e565b6107578161175a565b906107ba61076361101a565b6107b460405160208101907f03f405f14db4eb6d2ac96f3e89b3528fc982047b4bb2537be656de9eda34894e8252856040820152886060820152606081526107ac608082610f63565b51902061180d565b9061184e565b5f9360208301956cffffffffffffffffffffffffff875116821161085d575b50506107fa846cffffffffffffffffffffffffff610809959697511661100d565b9161080361101a565b91611ab5565b918061084b575b508161083b575f7f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005d005b6100cc576105e59161012a61103d565b6108579061012261101a565b83610810565b9450949250608435858110610969576108b59060405160208101917ff23ca052209b228f18e6af20dc64ab34698ce1acc52d94b2a5ef4e8cc6faee4483528460408301526060820152606081526107ac608082610f63565b9360a4359460ff861686036100cc576108e2956108d99160e4359160c43591612204565b90969196612293565b73ffffffffffffffffffffffffffffffffffffffff5f951603610941576107fa610809936109316cffffffffffffffffffffffffff97888651168082105f1461093a57505b8883511690611081565b959450956107d9565b9050610927565b7f7724e12c000000000000000000000000000000000000000000000000000000005f5260045ffd5b7fff782b6c000000000000000000000000000000000000000000000000000000005f5260045ffd5b61013061099d36610dce565b926109a99291926110db565b61162d565b346100cc576101306109a961019136610d2b565b346100cc5760207ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc3601126100cc5760805f5f6004355f52600260205260405f20916040805193610a1285610f1a565b54916cffffffffffffffffffffffffff8316948581526cffffffffffffffffffffffffff8460681c169384602083015260d01c928391015265ffffffffffff82145f14610a7f5750506003925b60405193610a6c81610cf4565b8452602084015260408301526060820152f35b91929091908215610a9557505090600292610a5f565b929150928015610a5f5760019350610a5f565b346100cc5760207ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc3601126100cc5760043567ffffffffffffffff81116100cc57366023820112156100cc57806004013567ffffffffffffffff81116100cc576024820191602436918360081b0101116100cc57610b246110db565b610b2d81610fa4565b90610b3b6040519283610f63565b8082527fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0610b6882610fa4565b013660208401375f5f5b828110610cbe575015610155575f91825b828410610baf575f7f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005d005b610bc490610bbd8584610ff9565b519061100d565b610bcf848487610fbc565b9060018501808611908161033e578581109182610c7e575b82610c34575b5050610c2a5780610c07575b505060015f935b0192610b83565b8161012a6040610c1c6020610c239601611060565b9201611060565b8480610bf9565b9360019150610c00565b90915061033e576040610c4b610c5192878a610fbc565b01611060565b73ffffffffffffffffffffffffffffffffffffffff80610c7360408601611060565b169116148780610bed565b505f9150610c926020610c4b83898c610fbc565b73ffffffffffffffffffffffffffffffffffffffff80610cb460208801611060565b1691161491610be7565b90610ced600191610cd8610cd385878a610fbc565b6112fa565b610ce28588610ff9565b52610bbd8487610ff9565b9101610b72565b60041115610cfe57565b7f4e487b71000000000000000000000000000000000000000000000000000000005f52602160045260245ffd5b6101007ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc8201126100cc5760043573ffffffffffffffffffffffffffffffffffffffff811681036100cc579160243573ffffffffffffffffffffffffffffffffffffffff811681036100cc57916044359160807fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7c6064359301126100cc57608490565b7ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc60809101126100cc5760043573ffffffffffffffffffffffffffffffffffffffff811681036100cc579060243573ffffffffffffffffffffffffffffffffffffffff811681036100cc57906044359060643590565b7ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc60809101126100cc5760043573ffffffffffffffffffffffffffffffffffffffff811681036100cc579060243573ffffffffffffffffffffffffffffffffffffffff811681036100cc579060443573ffffffffffffffffffffffffffffffffffffffff811681036100cc579060643590565b907fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0601f602080948051918291828752018686015e5f8582860101520116010190565b6060810190811067ffffffffffffffff821117610f3657604052565b7f4e487b71000000000000000000000000000000000000000000000000000000005f52604160045260245ffd5b90601f7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0910116810190811067ffffffffffffffff821117610f3657604052565b67ffffffffffffffff8111610f365760051b60200190565b9190811015610fcc5760081b0190565b7f4e487b71000000000000000000000000000000000000000000000000000000005f52603260045260245ffd5b8051821015610fcc5760209160051b010190565b9190820180921161033e57565b60243573ffffffffffffffffffffffffffffffffffffffff811681036100cc5790565b60443573ffffffffffffffffffffffffffffffffffffffff811681036100cc5790565b3573ffffffffffffffffffffffffffffffffffffffff811681036100cc5790565b9190820391821161033e57565b92909173ffffffffffffffffffffffffffffffffffffffff9081604051948160208701971687521660408501521660608301526080820152608081526110d560a082610f63565b51902090565b7f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005c6111275760017f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005d565b7f3ee5aeb5000000000000000000000000000000000000000000000000000000005f5260045ffd5b6004359073ffffffffffffffffffffffffffffffffffffffff821682036100cc576024359173ffffffffffffffffffffffffffffffffffffffff831683036100cc576044359073ffffffffffffffffffffffffffffffffffffffff821682036100cc576111c19160643591859061108e565b916111cd600484611a1b565b825f52600260205260405f2092604051936111e785610f1a565b54936cffffffffffffffffffffffffff85169081815260406cffffffffffffffffffffffffff8760681c169687602084015260d01c910152608435908082105f146112f25750935b808511156112ea576112419085611081565b5f82815260026020526040902080547fffffffffffff00000000000000000000000000ffffffffffffffffffffffffff16606887901b79ffffffffffffffffffffffffff00000000000000000000000000161790559373ffffffffffffffffffffffffffffffffffffffff8316928381036100cc577f8dfe2e4992c35f0c2e1a1ae78bde2b832d7fabb19bb9e73ec22c5cc2ee89db2391604091508151908152866020820152a3565b505f93505050565b90509361122f565b9061132b61130783611060565b61131360208501611060565b61131f60408601611060565b9060608601359261108e565b6113358382611a1b565b805f52600260205260405f20906040519161134f83610f1a565b54916cffffffffffffffffffffffffff83169081815260406cffffffffffffffffffffffffff8560681c169485602084015260d01c9101526080850135908082105f146114515750915b808311156112ea57604073ffffffffffffffffffffffffffffffffffffffff61144160206113e87f8dfe2e4992c35f0c2e1a1ae78bde2b832d7fabb19bb9e73ec22c5cc2ee89db239588611081565b5f8781526002835285902080547fffffffffffff00000000000000000000000000ffffffffffffffffffffffffff1660688a901b79ffffffffffffffffffffffffff000000000000000000000000001617905598610c4b565b16938151908152866020820152a3565b905091611399565b9073ffffffffffffffffffffffffffffffffffffffff168061149857509073ffffffffffffffffffffffffffffffffffffffff6114969216611d9b565b565b9173ffffffffffffffffffffffffffffffffffffffff604051927fa9059cbb000000000000000000000000000000000000000000000000000000005f521660045260245260205f60448180865af19060015f511482161561152a575b604052156114ff5750565b7f5274afe7000000000000000000000000000000000000000000000000000000005f5260045260245ffd5b90600181151661154257823b15153d151616906114f4565b503d5f823e3d90fd5b3560ff811681036100cc5790565b919091803b156116055773ffffffffffffffffffffffffffffffffffffffff166115856020830161154b565b90803b156100cc5760ff935f60e4926060829660405198899788967fd505accf000000000000000000000000000000000000000000000000000000008852336004890152306024890152604488015282356064880152166084860152604081013560a4860152013560c48401525af16115fb5750565b5f61149691610f63565b7fc1ab6dc1000000000000000000000000000000000000000000000000000000005f5260045ffd5b92918215611732576116419082853361108e565b9261164b8461175a565b9365ffffffffffff60408601511661036b577f831e8bacc44ea8b4be95d1b2ad207b7bbe602348c66b089cace4646af6619e86602073ffffffffffffffffffffffffffffffffffffffff6116d26116cd6cffffffffffffffffffffffffff6114969a51166cffffffffffffffffffffffffff6116c68b611e40565b169061100d565b611e40565b94845f526002835260405f206cffffffffffffffffffffffffff87167fffffffffffffffffffffffffffffffffffffff000000000000000000000000008254161790556cffffffffffffffffffffffffff604051961686521693a3611e8e565b7f69b95dc9000000000000000000000000000000000000000000000000000000005f5260045ffd5b5f6040805161176881610f1a565b82815282602082015201525f52600260205260405f20906040519161178c83610f1a565b54916cffffffffffffffffffffffffff8316928382526cffffffffffffffffffffffffff8160681c16602083015260d01c9081604082015292159081156117fd575b506117d557565b7fddafad98000000000000000000000000000000000000000000000000000000005f5260045ffd5b65ffffffffffff9150145f6117ce565b60429061181861208a565b90604051917f19010000000000000000000000000000000000000000000000000000000000008352600283015260228201522090565b906101243560ff811681036100cc576118959273ffffffffffffffffffffffffffffffffffffffff92839261188c9161016435916101443591612204565b90959195612293565b16911690808214611a17576101843573ffffffffffffffffffffffffffffffffffffffff8116928382036100cc576101a4359373ffffffffffffffffffffffffffffffffffffffff85168086036100cc576101c4359167ffffffffffffffff8316938484036100cc5761194d60405160208101907ff718441a119c8a6c4f53f76a07fe5a0e5a590dcbf242313930d28b4f81ea32f68252846040820152856060820152876080820152608081526107ac60a082610f63565b9550149586611a0b575b5050846119e8575b505082611998575b50501561197057565b7f9ce263f3000000000000000000000000000000000000000000000000000000005f5260045ffd5b9091506101e43560ff811681036100cc5773ffffffffffffffffffffffffffffffffffffffff916119df916119d69161022435916102043591612204565b90929192612293565b16145f80611967565b909193506103e84202904282046103e8144215171561033e575010915f8061195f565b50841494505f80611957565b5050565b73ffffffffffffffffffffffffffffffffffffffff611aab611aa6936108d9611a88849560405160208101917ff23ca052209b228f18e6af20dc64ab34698ce1acc52d94b2a5ef4e8cc6faee448352604082015260808501356060820152606081526107ac608082610f63565b60a0830190611a968261154b565b6020604084013593013591612204565b611060565b1691160361094157565b90604073ffffffffffffffffffffffffffffffffffffffff611b0c866cffffffffffffffffffffffffff7f7f7739303b0e1485594b242672eb715f28e7361cd9523116f1aab367729c5ea495999897995116611081565b96611c266cffffffffffffffffffffffffff871665ffffffffffff855191611b3383610f1a565b80835260208301908152611bdb6cffffffffffffffffffffffffff888501928484528b5f52600260205281808b5f20975116167fffffffffffffffffffffffffffffffffffffff00000000000000000000000000875416178655511684907fffffffffffff00000000000000000000000000ffffffffffffffffffffffffff79ffffffffffffffffffffffffff0000000000000000000000000083549260681b169116179055565b51825479ffffffffffffffffffffffffffffffffffffffffffffffffffff16911660d01b7fffffffffffff000000000000000000000000000000000000000000000000000016179055565b82519586528760208701521693a3565b92919273ffffffffffffffffffffffffffffffffffffffff81169081158015611d92575b611d6a578315611732578483611c70923361108e565b93845f52600260205260405f209485546cffffffffffffffffffffffffff81161590811591611d5d575b50611d3557611496956cffffffffffffffffffffffffff611cba87611e40565b167fffffffffffffffffffffffffffffffffffffff000000000000000000000000008254161790556040519173ffffffffffffffffffffffffffffffffffffffff8516835260208301528460408301527f8e2af0447770a993a2618541714ed1c8008ee1847d2731e39ef63b714e6d1ff860603393a4611e8e565b7f7b8c8210000000000000000000000000000000000000000000000000000000005f5260045ffd5b905060d01c15155f611c9a565b7fb387a238000000000000000000000000000000000000000000000000000000005f5260045ffd5b50308214611c5a565b814710611e10575f80809373ffffffffffffffffffffffffffffffffffffffff829483604051611dcc602082610f63565b52165af115611dd757565b3d15611de8576040513d5f823e3d90fd5b7fd6bda275000000000000000000000000000000000000000000000000000000005f5260045ffd5b50477fcf479181000000000000000000000000000000000000000000000000000000005f5260045260245260445ffd5b6cffffffffffffffffffffffffff8111611e66576cffffffffffffffffffffffffff1690565b7f06250401000000000000000000000000000000000000000000000000000000005f5260045ffd5b73ffffffffffffffffffffffffffffffffffffffff168015612081573461205957604051917f70a08231000000000000000000000000000000000000000000000000000000008352306004840152602083602481855afa928315611ffb575f93612025575b50604051917f23b872dd000000000000000000000000000000000000000000000000000000005f5233600452306024528160445260205f60648180855af160015f5114811615612006575b836040525f606052156114ff57826024816020937f70a082310000000000000000000000000000000000000000000000000000000082523060048301525afa918215611ffb575f92611fc5575b50611f96919261100d565b03611f9d57565b7f6d799c4a000000000000000000000000000000000000000000000000000000005f5260045ffd5b91506020823d602011611ff3575b81611fe060209383610f63565b810103126100cc57611f96915191611f8b565b3d9150611fd3565b6040513d5f823e3d90fd5b600181151661201c57813b15153d151616611f3e565b833d5f823e3d90fd5b9092506020813d602011612051575b8161204160209383610f63565b810103126100cc5751915f611ef3565b3d9150612034565b7f98d4901c000000000000000000000000000000000000000000000000000000005f5260045ffd5b50340361205957565b73ffffffffffffffffffffffffffffffffffffffff7f000000000000000000000000000000000000000000000000000000000000000016301480612184575b156120f2577f000000000000000000000000000000000000000000000000000000000000000090565b60405160208101907f8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f82527f000000000000000000000000000000000000000000000000000000000000000060408201527f000000000000000000000000000000000000000000000000000000000000000060608201524660808201523060a082015260a081526110d560c082610f63565b507f000000000000000000000000000000000000000000000000000000000000000046146120c9565b60ff811690601f82116121dc57604051916121c9604084610f63565b6020808452838101919036833783525290565b7fb3512b0c000000000000000000000000000000000000000000000000000000005f5260045ffd5b91907f7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a08411612288579160209360809260ff5f9560405194855216868401526040830152606082015282805260015afa15611ffb575f5173ffffffffffffffffffffffffffffffffffffffff81161561227e57905f905f90565b505f906001905f90565b5050505f9160039190565b61229c81610cf4565b806122a5575050565b6122ae81610cf4565b600181036122de577ff645eedf000000000000000000000000000000000000000000000000000000005f5260045ffd5b6122e781610cf4565b6002810361231b57507ffce698f7000000000000000000000000000000000000000000000000000000005f5260045260245ffd5b60039061232781610cf4565b1461232f5750565b7fd78bce0c000000000000000000000000000000000000000000000000000000005f5260045260245ffd'
