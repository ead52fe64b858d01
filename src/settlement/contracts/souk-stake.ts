// Generated from contracts/SoukStake.sol by scripts/generate-contracts.ts: do not edit.
export const SOUK_STAKE_ABI = [
  {
    "inputs": [
      {
        "internalType": "bytes32[]",
        "name": "receiptTypes",
        "type": "bytes32[]"
      },
      {
        "internalType": "uint48",
        "name": "unbondingPeriod",
        "type": "uint48"
      }
    ],
    "stateMutability": "nonpayable",
    "type": "constructor"
  },
  {
    "inputs": [],
    "name": "AlreadySlashed",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "InvalidBeneficiary",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "InvalidSignature",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "InvalidUnbondingPeriod",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "IsUnbonding",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "NoReceiptTypes",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "NotSigned",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "NotTheirs",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "NotUnbonding",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "NothingBonded",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "OtherBeneficiary",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "OtherProvider",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "OtherTask",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "PaymentRefused",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "SameResult",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "withdrawableAt",
        "type": "uint256"
      }
    ],
    "name": "UnbondingPeriodNotOver",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "UnknownReceiptType",
    "type": "error"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "address",
        "name": "node",
        "type": "address"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "beneficiary",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      }
    ],
    "name": "Bonded",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "address",
        "name": "node",
        "type": "address"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "reporter",
        "type": "address"
      },
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "taskId",
        "type": "bytes32"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "burned",
        "type": "uint256"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "rewarded",
        "type": "uint256"
      }
    ],
    "name": "Slashed",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "address",
        "name": "node",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "withdrawableAt",
        "type": "uint256"
      }
    ],
    "name": "UnbondingStarted",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "address",
        "name": "node",
        "type": "address"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "beneficiary",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      }
    ],
    "name": "Withdrawn",
    "type": "event"
  },
  {
    "inputs": [],
    "name": "UNBONDING_PERIOD",
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
        "name": "beneficiary",
        "type": "address"
      }
    ],
    "name": "bond",
    "outputs": [],
    "stateMutability": "payable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "typeHash",
        "type": "bytes32"
      }
    ],
    "name": "isReceiptType",
    "outputs": [
      {
        "internalType": "bool",
        "name": "",
        "type": "bool"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "node",
        "type": "address"
      },
      {
        "components": [
          {
            "internalType": "bytes32",
            "name": "typeHash",
            "type": "bytes32"
          },
          {
            "internalType": "bytes32[]",
            "name": "words",
            "type": "bytes32[]"
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
            "internalType": "struct SoukStake.Signature",
            "name": "signature",
            "type": "tuple"
          }
        ],
        "internalType": "struct SoukStake.Receipt",
        "name": "one",
        "type": "tuple"
      },
      {
        "components": [
          {
            "internalType": "bytes32",
            "name": "typeHash",
            "type": "bytes32"
          },
          {
            "internalType": "bytes32[]",
            "name": "words",
            "type": "bytes32[]"
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
            "internalType": "struct SoukStake.Signature",
            "name": "signature",
            "type": "tuple"
          }
        ],
        "internalType": "struct SoukStake.Receipt",
        "name": "other",
        "type": "tuple"
      }
    ],
    "name": "slash",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "node",
        "type": "address"
      }
    ],
    "name": "stakes",
    "outputs": [
      {
        "internalType": "address",
        "name": "beneficiary",
        "type": "address"
      },
      {
        "internalType": "uint48",
        "name": "withdrawableAt",
        "type": "uint48"
      },
      {
        "internalType": "bool",
        "name": "slashed",
        "type": "bool"
      },
      {
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "node",
        "type": "address"
      }
    ],
    "name": "startUnbonding",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "node",
        "type": "address"
      }
    ],
    "name": "withdraw",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  }
] as const
export const SOUK_STAKE_BYTECODE = '0x60a060405234610132576110e8803803806100198161015a565b9283398101906040818303126101325780516001600160401b0381116101325781019180601f84011215610132578251926001600160401b038411610146578360051b9060208061006b81850161015a565b80978152019282010192831161013257602001905b8282106101365784602085015165ffffffffffff8116808203610132578015908115610124575b5061011557815115610106576080525f5b81518110156100e85760019060208160051b840101515f525f60205260405f208260ff19825416179055016100b8565b604051610f689081610180823960805181818160a501526107b10152f35b6335c8dd0f60e21b5f5260045ffd5b63027a6b4360e61b5f5260045ffd5b6301e13380915011836100a7565b5f80fd5b8151815260209182019101610080565b634e487b7160e01b5f52604160045260245ffd5b6040519190601f01601f191682016001600160401b038111838210176101465760405256fe6080806040526004361015610012575f80fd5b5f3560e01c90816316934fc414610a7f57508063247ce85b146109065780634504fee21461072457806351cff8d9146105915780636a16318c14610545578063d3b1dbc9146100cd5763d9a912ec14610069575f80fd5b346100c9575f7ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc3601126100c957602060405165ffffffffffff7f0000000000000000000000000000000000000000000000000000000000000000168152f35b5f80fd5b346100c95760607ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc3601126100c957610104610b20565b60243567ffffffffffffffff81116100c957806004019160807ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc83360301126100c9576044359267ffffffffffffffff84116100c957836004019060807ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc86360301126100c95773ffffffffffffffffffffffffffffffffffffffff831691825f52600160205260405f209360ff855460d01c1661051d5760018501549586156104f5576101de83836101d987602496610c4f565b610c4f565b01906101ea8284610b84565b60011015610432576020013596602401916102058383610b84565b60011015610432576020013588036104cd576102218185610b84565b60061015610432576102338484610b84565b600610156104325760c080910135910135149384610496575b8461045f575b846103f6575b505050506103ce575f61030a82829583958495855260016020528460016040822082815501557a0100000000000000000000000000000000000000000000000000007fffffffffff00ffffffffffffffffffffffffffffffffffffffffffffffffffff8254161790558060011c9788926102d28484610bd8565b906040519182528460208301527f23c5655ec4fa6cd89b113f0ea95b8e5b7d70993d61a577d90d9a4b9c5ee6400260403393a4610bd8565b815af13d156103c9573d67ffffffffffffffff811161039c576040519061035960207fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0601f8401160183610b43565b81525f60203d92013e5b15610374576103729033610be5565b005b7f969b86f4000000000000000000000000000000000000000000000000000000005f5260045ffd5b7f4e487b71000000000000000000000000000000000000000000000000000000005f52604160045260245ffd5b610363565b7fc3014912000000000000000000000000000000000000000000000000000000005f5260045ffd5b61040292939450610b84565b600c93919310156104325761041691610b84565b600c101561043257610180809101359101351485808080610258565b7f4e487b71000000000000000000000000000000000000000000000000000000005f52603260045260245ffd5b935061046b8185610b84565b600b10156104325761047d8484610b84565b600b101561043257610160809101359101351493610252565b93506104a28185610b84565b600a1015610432576104b48484610b84565b600a10156104325761014080910135910135149361024c565b7f89528910000000000000000000000000000000000000000000000000000000005f5260045ffd5b7f590fbfbc000000000000000000000000000000000000000000000000000000005f5260045ffd5b7f37233762000000000000000000000000000000000000000000000000000000005f5260045ffd5b346100c95760207ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc3601126100c9576004355f525f602052602060ff60405f2054166040519015158152f35b346100c95760207ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc3601126100c95773ffffffffffffffffffffffffffffffffffffffff6105dd610b20565b16805f52600160205260405f20604051916080830183811067ffffffffffffffff82111761039c57604052815473ffffffffffffffffffffffffffffffffffffffff81168452600165ffffffffffff8260a01c169360ff602087019386855260d01c161515604087015201549260608501938452156106fc5765ffffffffffff9051168042106106d15750610372928173ffffffffffffffffffffffffffffffffffffffff925f5260016020525f600160408220828155015582825116907fd1c19fbcd4551a5edfb66d43d2e337c04837afda3482b42bdf569a8fccdae5fb60208651604051908152a35116905190610be5565b7f1c32776b000000000000000000000000000000000000000000000000000000005f5260045260245ffd5b7f01076085000000000000000000000000000000000000000000000000000000005f5260045ffd5b346100c95760207ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc3601126100c95773ffffffffffffffffffffffffffffffffffffffff610770610b20565b16805f52600160205260405f206001810154156104f55781331415806108e5575b6108bd5780549065ffffffffffff8260a01c166108955765ffffffffffff7f00000000000000000000000000000000000000000000000000000000000000001665ffffffffffff4216019065ffffffffffff8211610868577f37ac9cdee90b132826b9d7c9712a4b99787abceac6bfe31146e363cde239ec14927fffffffffffff000000000000ffffffffffffffffffffffffffffffffffffffff79ffffffffffff000000000000000000000000000000000000000060209460a01b1691161780915565ffffffffffff6040519160a01c168152a2005b7f4e487b71000000000000000000000000000000000000000000000000000000005f52601160045260245ffd5b7fd4001fac000000000000000000000000000000000000000000000000000000005f5260045ffd5b7ffa3b5ec0000000000000000000000000000000000000000000000000000000005f5260045ffd5b5073ffffffffffffffffffffffffffffffffffffffff815416331415610791565b60207ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc3601126100c957610938610b20565b34156104f55773ffffffffffffffffffffffffffffffffffffffff1680158015610a76575b610a4e57335f52600160205260405f2080549060ff8260d01c1661051d5765ffffffffffff8260a01c166108955773ffffffffffffffffffffffffffffffffffffffff8216838115159182610a43575b5050610a1b57827fffffffffffffffffffffffff00000000000000000000000000000000000000006001931617815501805490348201809211610868578190556040519081527f0fda1524f765ccc8812ff5857b161363b93a60efaaf4516a9455c7621799f8db60203392a3005b7f87d76bb8000000000000000000000000000000000000000000000000000000005f5260045ffd5b1415905083856109ad565b7f5566df5c000000000000000000000000000000000000000000000000000000005f5260045ffd5b5030811461095d565b346100c95760207ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc3601126100c95760809073ffffffffffffffffffffffffffffffffffffffff610ace610b20565b165f52600160205260405f2060ff600182549201549173ffffffffffffffffffffffffffffffffffffffff8116845265ffffffffffff8160a01c16602085015260d01c16151560408301526060820152f35b6004359073ffffffffffffffffffffffffffffffffffffffff821682036100c957565b90601f7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0910116810190811067ffffffffffffffff82111761039c57604052565b9035907fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe1813603018212156100c9570180359067ffffffffffffffff82116100c957602001918160051b360383136100c957565b9190820391821161086857565b5f80809381935af13d15610c4a573d67ffffffffffffffff811161039c5760405190610c3960207fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0601f8401160183610b43565b81525f60203d92013e5b1561037457565b610c43565b908035805f525f60205260ff60405f20541615610f40576020820190600e610c778385610b84565b905010610f4057610c888284610b84565b600310156104325773ffffffffffffffffffffffffffffffffffffffff60609516948591013503610f1857610d4c60405160208101907fc2f8787176b8ac6bf7215b4adcc1e069bf4ab82d9ab1df05a57a91d425935b6e82527f17bdf5338547cbc5519fc96d24239af94700a19107f22b46ddd66d1656f8949b60408201527fc89efdaa54c0f20c7adf612882df0950f5a951637e0307cdcb4c672f298b8bc6606082015246608082015260808152610d4260a082610b43565b5190209284610b84565b60405191602083019384527f07ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff82116100c95782604091610dbe9360051b809184840137810103017fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe08101835282610b43565b5190206040519060208201927f190100000000000000000000000000000000000000000000000000000000000084526022830152604282015260428152610e06606282610b43565b519020906060810135908160ff1c91601b8301809311610868577f7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff16927f7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a08411610ee557602093604060809360ff5f968351958652168785015201356040830152606082015282805260015afa15610f0d5773ffffffffffffffffffffffffffffffffffffffff5f51168015610ee55703610ebd57565b7fa72952d8000000000000000000000000000000000000000000000000000000005f5260045ffd5b7f8baa579f000000000000000000000000000000000000000000000000000000005f5260045ffd5b6040513d5f823e3d90fd5b7fb56fe689000000000000000000000000000000000000000000000000000000005f5260045ffd5b7f9e6084c5000000000000000000000000000000000000000000000000000000005f5260045ffd'
export const SOUK_STAKE_DEPLOYED = {"bytes":3944,"codeHash":"c491168df0d8845e5bb21fb2d6d53d098f015bab9b3277605ec5e9e4cd36c1c5","immutables":{"UNBONDING_PERIOD":[165,1969]}} as const
