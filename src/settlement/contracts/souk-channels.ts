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
    "name": "InvalidSignature",
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
    "name": "PaymentRefused",
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
                "internalType": "bytes32",
                "name": "r",
                "type": "bytes32"
              },
              {
                "internalType": "bytes32",
                "name": "vs",
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
            "internalType": "bytes32",
            "name": "r",
            "type": "bytes32"
          },
          {
            "internalType": "bytes32",
            "name": "vs",
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
                "internalType": "bytes32",
                "name": "r",
                "type": "bytes32"
              },
              {
                "internalType": "bytes32",
                "name": "vs",
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
                "internalType": "bytes32",
                "name": "r",
                "type": "bytes32"
              },
              {
                "internalType": "bytes32",
                "name": "vs",
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
                "internalType": "bytes32",
                "name": "r",
                "type": "bytes32"
              },
              {
                "internalType": "bytes32",
                "name": "vs",
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
                "internalType": "bytes32",
                "name": "r",
                "type": "bytes32"
              },
              {
                "internalType": "bytes32",
                "name": "vs",
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
                "internalType": "bytes32",
                "name": "r",
                "type": "bytes32"
              },
              {
                "internalType": "bytes32",
                "name": "vs",
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
export const SOUK_CHANNELS_BYTECODE = '0x610180806040523461019f57602081612400803803809161002082856101a3565b83398101031261019f575165ffffffffffff811680820361019f576040516100496040826101a3565b600d815260208101906c736f756b206368616e6e656c7360981b8252604051916100746040846101a3565b600183526020830191603160f81b835261008d816101da565b6101205261009a846101da565b61014052519020918260e05251902080610100524660a0526040519060208201927f8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f8452604083015260608201524660808201523060a082015260a0815261010360c0826101a3565b5190206080523060c0528015908115610191575b5061018257610160526040516121ba9081610246823960805181611fdb015260a05181612092015260c05181611fac015260e0518161202a0152610100518161205001526101205181610393015261014051816103bc01526101605181818161017201526103390152f35b63b4e1243360e01b5f5260045ffd5b6301e133809150115f610117565b5f80fd5b601f909101601f19168101906001600160401b038211908210176101c657604052565b634e487b7160e01b5f52604160045260245ffd5b601f8151116102055760208151910151602082106101f6571790565b5f198260200360031b1b161790565b604460209160405192839163305a27a960e01b83528160048401528051918291826024860152018484015e5f828201840152601f01601f19168101030190fdfe60806040526004361015610011575f80fd5b5f3560e01c80631497178914610c2a578063171a2a7d14610b1b57806332746d4f14610b035780634c9ee91b146108e25780634d94243a1461081157806364de8f0e146107a0578063769880c81461048f57806384b0196e1461035d578063c3a079ed146102fd578063d80dcc83146102e0578063db5fee041461028d578063e8b9b5dd146100d05763fbf1db9e146100a8575f80fd5b346100cc5760206100c46100bb36610d52565b92919091610f9c565b604051908152f35b5f80fd5b346100cc5760607ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc3601126100cc5760043573ffffffffffffffffffffffffffffffffffffffff8116908181036100cc576024359073ffffffffffffffffffffffffffffffffffffffff821682036100cc57610150916044359133610f9c565b65ffffffffffff6040610162836118fe565b0151166102655765ffffffffffff7f00000000000000000000000000000000000000000000000000000000000000001665ffffffffffff42160165ffffffffffff81116102385760207f0bf41b27f4c5729aebbd7a4a968967d87fa1cfdeffd7e5390dd954fcec0144ab91835f52600282526102278160405f209079ffffffffffffffffffffffffffffffffffffffffffffffffffff7fffffffffffff000000000000000000000000000000000000000000000000000083549260d01b169116179055565b65ffffffffffff60405191168152a3005b7f4e487b71000000000000000000000000000000000000000000000000000000005f52601160045260245ffd5b7f7beabe03000000000000000000000000000000000000000000000000000000005f5260045ffd5b346100cc576102bb6102b66102a136610c3a565b6102af959195949294610fe9565b858461105d565b6112bc565b5f7f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005d005b6102bb6102ec36610cdc565b926102f8929192610fe9565b61112f565b346100cc575f7ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc3601126100cc57602060405165ffffffffffff7f0000000000000000000000000000000000000000000000000000000000000000168152f35b346100cc575f7ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc3601126100cc576104336103b77f0000000000000000000000000000000000000000000000000000000000000000612163565b6103e07f0000000000000000000000000000000000000000000000000000000000000000612163565b6020610441604051926103f38385610e71565b5f84525f3681376040519586957f0f00000000000000000000000000000000000000000000000000000000000000875260e08588015260e0870190610de5565b908582036040870152610de5565b4660608501523060808501525f60a085015283810360c08501528180845192838152019301915f5b82811061047857505050500390f35b835185528695509381019392810192600101610469565b346100cc577ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc36016101e081126100cc5760e0136100cc5760e43560407ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffefc3601126100cc5760a07ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffebc3601126100cc576004359073ffffffffffffffffffffffffffffffffffffffff82169081831415806100cc5760243573ffffffffffffffffffffffffffffffffffffffff811681036100cc576044359073ffffffffffffffffffffffffffffffffffffffff821682036100cc57610592916064359187610f9c565b61059b816118fe565b906105fe6105a7610f28565b6105f860405160208101907f03f405f14db4eb6d2ac96f3e89b3528fc982047b4bb2537be656de9eda34894e8252856040820152886060820152606081526105f0608082610e71565b519020611ac7565b90611b08565b5f9360208301956cffffffffffffffffffffffffff875116821161068e575b505061063e846cffffffffffffffffffffffffff61064d9596975116610f1b565b91610647610f28565b916119b1565b9180610674575b508161065c57005b6100cc576106729161066c610f4b565b9061179c565b005b61068890610680610f28565b61066c610f4b565b83610654565b94509492506084358581106107785760a46106eb6106f09260405160208101917ff23ca052209b228f18e6af20dc64ab34698ce1acc52d94b2a5ef4e8cc6faee4483528660408301526060820152606081526105f0608082610e71565b6120b8565b9373ffffffffffffffffffffffffffffffffffffffff5f9516036107505761063e61064d936107406cffffffffffffffffffffffffff97888651168082105f1461074957505b8883511690610f8f565b9594509561061d565b9050610736565b7f7724e12c000000000000000000000000000000000000000000000000000000005f5260045ffd5b7fff782b6c000000000000000000000000000000000000000000000000000000005f5260045ffd5b346100cc5760e07ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc3601126100cc576107d76113c1565b80156107e95761067290610680610f28565b7f9890af60000000000000000000000000000000000000000000000000000000005f5260045ffd5b346100cc5761082e61082236610d52565b81838596939496610f9c565b610837816118fe565b936040850165ffffffffffff815116156108ba5765ffffffffffff9051169485421061088e5790816cffffffffffffffffffffffffff602061087d9594015116926119b1565b908161088557005b6106729261179c565b857ff5f59f07000000000000000000000000000000000000000000000000000000005f5260045260245ffd5b7ff9b46b5f000000000000000000000000000000000000000000000000000000005f5260045ffd5b346100cc5760207ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc3601126100cc5760043567ffffffffffffffff81116100cc57366023820112156100cc57806004013567ffffffffffffffff81116100cc5760248201916024369160e084020101116100cc5761095f81610eb2565b9061096d6040519283610e71565b8082527fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe061099a82610eb2565b013660208401375f5f5b828110610acd5750156107e9575f91825b8284106109be57005b6109d3906109cc8584610f07565b5190610f1b565b6109de848487610eca565b90600185018086119081610238578581109182610a8d575b82610a43575b5050610a395780610a16575b505060015f935b01926109b5565b8161066c6040610a2b6020610a329601610f6e565b9201610f6e565b8480610a08565b9360019150610a0f565b909150610238576040610a5a610a6092878a610eca565b01610f6e565b73ffffffffffffffffffffffffffffffffffffffff80610a8260408601610f6e565b1691161487806109fc565b505f9150610aa16020610a5a83898c610eca565b73ffffffffffffffffffffffffffffffffffffffff80610ac360208801610f6e565b16911614916109f6565b90610afc600191610ae7610ae285878a610eca565b61159d565b610af18588610f07565b526109cc8487610f07565b91016109a4565b6102bb610b0f36610cdc565b926102b6929192610fe9565b346100cc5760207ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc3601126100cc575f5f6004355f52600260205260405f20906040805192610b6984610e28565b54936cffffffffffffffffffffffffff8516938481526cffffffffffffffffffffffffff8660681c169586602083015260d01c928391015265ffffffffffff82145f14610c065750506003925b604051926004851015610bd9576080948452602084015260408301526060820152f35b7f4e487b71000000000000000000000000000000000000000000000000000000005f52602160045260245ffd5b90918215610c18575050600292610bb6565b9150928215610bb65760019350610bb6565b346100cc576102bb6102f86102a1365b60e07ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc8201126100cc5760043573ffffffffffffffffffffffffffffffffffffffff811681036100cc579160243573ffffffffffffffffffffffffffffffffffffffff811681036100cc57916044359160607fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7c6064359301126100cc57608490565b7ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc60809101126100cc5760043573ffffffffffffffffffffffffffffffffffffffff811681036100cc579060243573ffffffffffffffffffffffffffffffffffffffff811681036100cc57906044359060643590565b7ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc60809101126100cc5760043573ffffffffffffffffffffffffffffffffffffffff811681036100cc579060243573ffffffffffffffffffffffffffffffffffffffff811681036100cc579060443573ffffffffffffffffffffffffffffffffffffffff811681036100cc579060643590565b907fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0601f602080948051918291828752018686015e5f8582860101520116010190565b6060810190811067ffffffffffffffff821117610e4457604052565b7f4e487b71000000000000000000000000000000000000000000000000000000005f52604160045260245ffd5b90601f7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0910116810190811067ffffffffffffffff821117610e4457604052565b67ffffffffffffffff8111610e445760051b60200190565b9190811015610eda5760e0020190565b7f4e487b71000000000000000000000000000000000000000000000000000000005f52603260045260245ffd5b8051821015610eda5760209160051b010190565b9190820180921161023857565b60243573ffffffffffffffffffffffffffffffffffffffff811681036100cc5790565b60443573ffffffffffffffffffffffffffffffffffffffff811681036100cc5790565b3573ffffffffffffffffffffffffffffffffffffffff811681036100cc5790565b9190820391821161023857565b92909173ffffffffffffffffffffffffffffffffffffffff908160405194816020870197168752166040850152166060830152608082015260808152610fe360a082610e71565b51902090565b7f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005c6110355760017f9b779b17422d0df92223018b32b4d1fa46e071723d6817e2486d003becc55f005d565b7f3ee5aeb5000000000000000000000000000000000000000000000000000000005f5260045ffd5b803b156111075773ffffffffffffffffffffffffffffffffffffffff6110866040850135611d12565b9190921692833b156100cc575f809460e493602060ff98604051998a9889977fd505accf0000000000000000000000000000000000000000000000000000000089523360048a01523060248a0152604489015282356064890152166084870152013560a485015260c48401525af16110fb5750565b5f61110591610e71565b565b7fc1ab6dc1000000000000000000000000000000000000000000000000000000005f5260045ffd5b92919273ffffffffffffffffffffffffffffffffffffffff811690811580156112b3575b61128b5783156112635784836111699233610f9c565b93845f52600260205260405f209485546cffffffffffffffffffffffffff81161590811591611256575b5061122e57611105956cffffffffffffffffffffffffff6111b387611d4b565b167fffffffffffffffffffffffffffffffffffffff000000000000000000000000008254161790556040519173ffffffffffffffffffffffffffffffffffffffff8516835260208301528460408301527f8e2af0447770a993a2618541714ed1c8008ee1847d2731e39ef63b714e6d1ff860603393a4611d99565b7f7b8c8210000000000000000000000000000000000000000000000000000000005f5260045ffd5b905060d01c15155f611193565b7f69b95dc9000000000000000000000000000000000000000000000000000000005f5260045ffd5b7fb387a238000000000000000000000000000000000000000000000000000000005f5260045ffd5b50308214611153565b92918215611263576112d090828533610f9c565b926112da846118fe565b9365ffffffffffff604086015116610265577f831e8bacc44ea8b4be95d1b2ad207b7bbe602348c66b089cace4646af6619e86602073ffffffffffffffffffffffffffffffffffffffff61136161135c6cffffffffffffffffffffffffff6111059a51166cffffffffffffffffffffffffff6113558b611d4b565b1690610f1b565b611d4b565b94845f526002835260405f206cffffffffffffffffffffffffff87167fffffffffffffffffffffffffffffffffffffff000000000000000000000000008254161790556cffffffffffffffffffffffffff604051961686521693a3611d99565b6004359073ffffffffffffffffffffffffffffffffffffffff821682036100cc576024359173ffffffffffffffffffffffffffffffffffffffff831683036100cc576044359073ffffffffffffffffffffffffffffffffffffffff821682036100cc5761143391606435918590610f9c565b9161143f600484611c8f565b825f52600260205260405f20926040519361145985610e28565b546cffffffffffffffffffffffffff8116948581526cffffffffffffffffffffffffff8260681c16916020820196838852604083019160d01c8252608435908082105f146115955750925b8084111561158a5761153c92916114c265ffffffffffff9286610f8f565b6cffffffffffffffffffffffffff8681168b525f88815260026020526040902094519a51925160689390931b79ffffffffffffffffffffffffff00000000000000000000000000169a1699909917911660d01b7fffffffffffff000000000000000000000000000000000000000000000000000016179055565b73ffffffffffffffffffffffffffffffffffffffff8316928381036100cc577f61d905e697374527439f5c64f060ae521e3b586e8f61ef3f160057e7150e153e9160209150604051908152a3565b505f96505050505050565b9050926114a4565b906115ce6115aa83610f6e565b6115b660208501610f6e565b6115c260408601610f6e565b90606086013592610f9c565b916115d98184611c8f565b825f52600260205260405f2092604051936115f385610e28565b54916cffffffffffffffffffffffffff8316948581526cffffffffffffffffffffffffff8460681c16936020820196858852604083019160d01c82526080840135908082105f146117945750945b8086111561158a5760207f61d905e697374527439f5c64f060ae521e3b586e8f61ef3f160057e7150e153e94610a5a829565ffffffffffff73ffffffffffffffffffffffffffffffffffffffff9661169c611789978d610f8f565b9d6cffffffffffffffffffffffffff8d1681528b5f52600287526cffffffffffffffffffffffffff8060405f20955116167fffffffffffffffffffffffffffffffffffffff00000000000000000000000000855416178455517fffffffffffff00000000000000000000000000ffffffffffffffffffffffffff79ffffffffffffffffffffffffff0000000000000000000000000085549260681b169116178355511679ffffffffffffffffffffffffffffffffffffffffffffffffffff7fffffffffffff000000000000000000000000000000000000000000000000000083549260d01b169116179055565b1693604051908152a3565b905094611641565b9073ffffffffffffffffffffffffffffffffffffffff168061184b57505f80809381935af13d15611846573d67ffffffffffffffff8111610e44576040519061180d601f82017fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe01660200183610e71565b81525f60203d92013e5b1561181e57565b7f969b86f4000000000000000000000000000000000000000000000000000000005f5260045ffd5b611817565b9173ffffffffffffffffffffffffffffffffffffffff604051927fa9059cbb000000000000000000000000000000000000000000000000000000005f521660045260245260205f60448180865af19060015f51148216156118dd575b604052156118b25750565b7f5274afe7000000000000000000000000000000000000000000000000000000005f5260045260245ffd5b9060018115166118f557823b15153d151616906118a7565b503d5f823e3d90fd5b5f6040805161190c81610e28565b82815282602082015201525f52600260205260405f20906040519161193083610e28565b54916cffffffffffffffffffffffffff8316928382526cffffffffffffffffffffffffff8160681c16602083015260d01c9081604082015292159081156119a1575b5061197957565b7fddafad98000000000000000000000000000000000000000000000000000000005f5260045ffd5b65ffffffffffff9150145f611972565b90604073ffffffffffffffffffffffffffffffffffffffff611a08866cffffffffffffffffffffffffff7f7f7739303b0e1485594b242672eb715f28e7361cd9523116f1aab367729c5ea495999897995116610f8f565b96611ab76cffffffffffffffffffffffffff871665ffffffffffff855191611a2f83610e28565b80835260208084019182528784018381525f8b815260029092529088902093519151905160689190911b79ffffffffffffffffffffffffff00000000000000000000000000166cffffffffffffffffffffffffff9290921691909117911660d01b7fffffffffffff000000000000000000000000000000000000000000000000000016179055565b82519586528760208701521693a3565b604290611ad2611f95565b90604051917f19010000000000000000000000000000000000000000000000000000000000008352600283015260228201522090565b9073ffffffffffffffffffffffffffffffffffffffff611b2b61010482936120b8565b9216911690808214611c8b576101443573ffffffffffffffffffffffffffffffffffffffff8116928382036100cc57610164359373ffffffffffffffffffffffffffffffffffffffff85168086036100cc57610184359167ffffffffffffffff8316938484036100cc57611be460405160208101907ff718441a119c8a6c4f53f76a07fe5a0e5a590dcbf242313930d28b4f81ea32f68252846040820152856060820152876080820152608081526105f060a082610e71565b9550149586611c7f575b505084611c5c575b505082611c2f575b505015611c0757565b7f9ce263f3000000000000000000000000000000000000000000000000000000005f5260045ffd5b73ffffffffffffffffffffffffffffffffffffffff9192506101a4611c53916120b8565b16145f80611bfe565b909193506103e84202904282046103e81442151715610238575010915f80611bf6565b50841494505f80611bee565b5050565b73ffffffffffffffffffffffffffffffffffffffff611d08611d02611cf8839460405160208101917ff23ca052209b228f18e6af20dc64ab34698ce1acc52d94b2a5ef4e8cc6faee448352604082015260808801356060820152606081526105f0608082610e71565b60a08601906120b8565b93610f6e565b1691160361075057565b908160ff1c601b81018091116102385760ff16917f7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff1690565b6cffffffffffffffffffffffffff8111611d71576cffffffffffffffffffffffffff1690565b7f06250401000000000000000000000000000000000000000000000000000000005f5260045ffd5b73ffffffffffffffffffffffffffffffffffffffff168015611f8c5734611f6457604051917f70a08231000000000000000000000000000000000000000000000000000000008352306004840152602083602481855afa928315611f06575f93611f30575b50604051917f23b872dd000000000000000000000000000000000000000000000000000000005f5233600452306024528160445260205f60648180855af160015f5114811615611f11575b836040525f606052156118b257826024816020937f70a082310000000000000000000000000000000000000000000000000000000082523060048301525afa918215611f06575f92611ed0575b50611ea19192610f1b565b03611ea857565b7f6d799c4a000000000000000000000000000000000000000000000000000000005f5260045ffd5b91506020823d602011611efe575b81611eeb60209383610e71565b810103126100cc57611ea1915191611e96565b3d9150611ede565b6040513d5f823e3d90fd5b6001811516611f2757813b15153d151616611e49565b833d5f823e3d90fd5b9092506020813d602011611f5c575b81611f4c60209383610e71565b810103126100cc5751915f611dfe565b3d9150611f3f565b7f98d4901c000000000000000000000000000000000000000000000000000000005f5260045ffd5b503403611f6457565b73ffffffffffffffffffffffffffffffffffffffff7f00000000000000000000000000000000000000000000000000000000000000001630148061208f575b15611ffd577f000000000000000000000000000000000000000000000000000000000000000090565b60405160208101907f8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f82527f000000000000000000000000000000000000000000000000000000000000000060408201527f000000000000000000000000000000000000000000000000000000000000000060608201524660808201523060a082015260a08152610fe360c082610e71565b507f00000000000000000000000000000000000000000000000000000000000000004614611fd4565b906120c66020820135611d12565b927f7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0841161213b576020935f9360ff6080946040519485521686840152356040830152606082015282805260015afa15611f06575f519073ffffffffffffffffffffffffffffffffffffffff82161561213b57565b7f8baa579f000000000000000000000000000000000000000000000000000000005f5260045ffd5b60ff811690601f8211612192576040519161217f604084610e71565b6020808452838101919036833783525290565b7fb3512b0c000000000000000000000000000000000000000000000000000000005f5260045ffd'
export const SOUK_CHANNELS_DEPLOYED = {"bytes":8634,"codeHash":"656bb5551972e283ebd2046effd5c4c1f4f5a0d98ba3e0a23dbff9ae87de3939","immutables":{"CHALLENGE_PERIOD":[370,825],"_cachedDomainSeparator":[8155],"_cachedChainId":[8338],"_cachedThis":[8108],"_hashedName":[8234],"_hashedVersion":[8272],"_name":[915],"_version":[956]}} as const
