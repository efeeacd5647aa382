// swift-tools-version: 6.2
import PackageDescription

// The targets stand in the order in which they may import each other: each imports only from the rows above it.
let package = Package(
    name: "lockstep",
    products: [
        .library(name: "Lockstep", targets: ["Lockstep"]),
        .executable(name: "lockstep", targets: ["LockstepCLI"]),
    ],
    dependencies: [
        // The command line: parsing, help, completion.
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        // Run configurations are YAML; its node tree carries line numbers for our errors.
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        // `swift package generate-documentation`: the articles and the library's reference, checked in CI. In no product.
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
    ],
    targets: [
        // Messages between coordinator and workers.
        .systemLibrary(name: "CZeroMQ", providers: [.apt(["libzmq3-dev"])]),
        // Matrix products and convolutions. Only the header: the library is opened at run time, once its kernel has been
        // chosen. Chosen over OpenBLAS, which is as fast for large square products only and has no convolutions.
        .systemLibrary(name: "COneDNN", providers: [.apt(["libdnnl-dev"])]),
        // Compressed data sets.
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        // PNG pictures of digits.
        .systemLibrary(name: "CPNG", providers: [.apt(["libpng-dev"])]),
        // JPEG photographs of digits (libjpeg62-turbo-dev). libjpeg reports a fault by a function that must not return, so the
        // decoder is C: it leaves by longjmp, which Swift frames cannot be left by.
        .target(name: "CJPEG", linkerSettings: [.linkedLibrary("jpeg")]),
        // SHA-256: as fast as swift-crypto here, without its 80 s of clean build.
        .systemLibrary(name: "CCrypto", providers: [.apt(["libssl-dev"])]),
        // Linux system calls, macros and variadic functions that Swift cannot import.
        .systemLibrary(name: "CLinux"),
        // Processor instructions that Swift cannot express.
        .systemLibrary(name: "CProcessor"),
        // Products of small matrices, where the matrix library is slow, and the element loops of a step: compiled for
        // several instruction sets, one of which is chosen when the program runs. Swift cannot express that either.
        .target(name: "CKernels"),
        // Functions of the C library that are replaced for libzmq: accept(2) without the failure that makes libzmq abort the
        // process, and epoll_wait(2) that lets strangers wake an I/O thread a limited number of times a second.
        .target(name: "CInterposition"),

        .target(name: "LockstepText"),
        .target(name: "LockstepTimeline"),
        .target(name: "LockstepDigest", dependencies: ["CCrypto", "CProcessor"]),
        .target(name: "LockstepSystem", dependencies: ["LockstepText", "LockstepTimeline", "CLinux", "CProcessor"]),
        .target(name: "LockstepCompute", dependencies: ["LockstepTimeline", "LockstepSystem", "COneDNN", "CKernels"]),
        .target(
            name: "ZeroMQ", dependencies: ["LockstepText", "LockstepSystem", "CZeroMQ", "CLinux", "CInterposition"]),
        .target(name: "LockstepNumerics", dependencies: ["CProcessor", "CKernels"]),
        .target(name: "LockstepConfiguration", dependencies: ["LockstepText"]),
        .target(name: "LockstepSharding"),
        .target(
            name: "LockstepData",
            dependencies: [
                "LockstepText", "LockstepDigest", "LockstepSystem", "LockstepNumerics", "LockstepConfiguration",
                "CZlib", "CPNG", "CJPEG", "CProcessor",
            ]),
        .target(name: "LockstepImages", dependencies: ["LockstepData", "CPNG", "CJPEG"]),
        .target(name: "LockstepModel", dependencies: ["LockstepTimeline", "LockstepCompute", "LockstepNumerics"]),
        .target(
            name: "LockstepNetwork",
            dependencies: [
                "LockstepTimeline", "LockstepCompute", "LockstepNumerics", "LockstepConfiguration", "LockstepModel",
            ]),
        .target(
            name: "LockstepTraining",
            dependencies: [
                "LockstepText", "LockstepTimeline", "LockstepDigest", "LockstepSystem", "LockstepCompute",
                "LockstepNumerics", "LockstepConfiguration", "LockstepSharding", "LockstepData", "LockstepModel",
                "LockstepNetwork",
            ]),
        .target(
            name: "LockstepProtocol",
            dependencies: ["LockstepText", "LockstepTimeline", "LockstepDigest", "LockstepSharding"]),
        .target(name: "LockstepCostModel", dependencies: ["LockstepSharding"]),
        .target(
            name: "LockstepCluster",
            dependencies: ["LockstepTimeline", "LockstepSharding", "LockstepProtocol", "LockstepCostModel"]),
        .target(
            name: "LockstepArtifacts",
            dependencies: [
                "LockstepText", "LockstepTimeline", "LockstepDigest", "LockstepSystem", "LockstepCompute",
                "LockstepNumerics", "LockstepConfiguration", "LockstepSharding", "LockstepData", "LockstepModel",
                "LockstepNetwork",
                "LockstepTraining", "CZlib", "CPNG",
                .product(name: "Yams", package: "Yams"),
            ]),
        .target(
            name: "LockstepRuntime",
            dependencies: [
                "LockstepText", "LockstepTimeline", "LockstepDigest", "LockstepSystem", "LockstepCompute", "ZeroMQ",
                "LockstepNumerics", "LockstepSharding", "LockstepData", "LockstepModel", "LockstepNetwork",
                "LockstepTraining",
                "LockstepProtocol", "LockstepCostModel", "LockstepCluster", "CLinux", "CProcessor",
            ]),
        .target(
            name: "LockstepRuns",
            dependencies: [
                "LockstepTimeline", "LockstepSystem", "LockstepCompute", "ZeroMQ", "LockstepNumerics",
                "LockstepSharding", "LockstepData", "LockstepModel", "LockstepTraining", "LockstepCostModel",
                "LockstepCluster", "LockstepArtifacts", "LockstepRuntime",
            ]),
        // Workers on other hosts.
        .target(
            name: "LockstepLaunch",
            dependencies: [
                "LockstepText", "LockstepTimeline", "LockstepSystem", "ZeroMQ", "LockstepCluster", "LockstepRuntime",
            ]),
        .target(
            name: "LockstepBench",
            dependencies: [
                "LockstepText", "LockstepTimeline", "LockstepSystem", "LockstepCompute", "LockstepSharding",
                "LockstepData",
                "LockstepModel", "LockstepNetwork", "LockstepTraining", "LockstepCostModel", "LockstepCluster",
                "LockstepArtifacts",
                "LockstepRuntime", "LockstepRuns",
            ]),
        .target(
            name: "LockstepChaos",
            dependencies: [
                "LockstepText", "LockstepTimeline", "LockstepSystem", "ZeroMQ", "LockstepNumerics", "LockstepCluster",
                "LockstepArtifacts", "LockstepRuntime",
            ]),
        // A run's live page.
        .target(
            name: "LockstepDashboard",
            dependencies: [
                "LockstepText", "LockstepTimeline", "LockstepSystem", "LockstepTraining", "LockstepArtifacts",
            ]),
        .target(
            name: "Lockstep",
            dependencies: [
                "LockstepText", "LockstepTimeline", "LockstepSystem", "LockstepCompute", "ZeroMQ", "LockstepNumerics",
                "LockstepSharding", "LockstepData",
                "LockstepImages",
                "LockstepModel", "LockstepNetwork", "LockstepTraining", "LockstepProtocol", "LockstepCluster",
                "LockstepArtifacts", "LockstepRuntime",
                "LockstepRuns",
            ]),
        .executableTarget(
            name: "LockstepCLI",
            dependencies: [
                "LockstepText", "LockstepTimeline", "LockstepSystem", "LockstepCompute", "ZeroMQ", "LockstepNumerics",
                "LockstepSharding", "LockstepData", "LockstepModel", "LockstepNetwork", "LockstepTraining",
                "LockstepProtocol",
                "LockstepCostModel", "LockstepCluster", "LockstepArtifacts", "LockstepRuntime", "LockstepRuns",
                "LockstepLaunch", "LockstepBench", "LockstepChaos", "LockstepDashboard", "LockstepImages", "Lockstep",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        // Programs that use the library as others do. They are in no product.
        .executableTarget(name: "FirstNetwork", dependencies: ["Lockstep"], path: "Sources/Examples/FirstNetwork"),
        .executableTarget(
            name: "OwnTable", dependencies: ["Lockstep"], path: "Sources/Examples/OwnTable", exclude: ["rings.csv"]),
        .executableTarget(name: "SameWeights", dependencies: ["Lockstep"], path: "Sources/Examples/SameWeights"),
        .executableTarget(name: "OwnModel", dependencies: ["Lockstep"], path: "Sources/Examples/OwnModel"),

        .target(
            name: "LockstepTesting",
            dependencies: [
                "LockstepTimeline", "LockstepSystem", "LockstepNumerics", "LockstepSharding", "LockstepTraining",
                "LockstepProtocol", "LockstepCluster", "LockstepArtifacts",
            ],
            path: "Tests/LockstepTesting"),

        // A program with a model of its own, which the process tests run.
        .executableTarget(name: "ModelProgram", dependencies: ["Lockstep"], path: "Tests/ModelProgram"),
        // Counts allocations, in the executables of the tests and the benchmarks.
        .target(name: "CAllocations", path: "Tests/CAllocations"),
        // Shows tests another processor than the machine has.
        .target(name: "CProcessorTrap", path: "Tests/CProcessorTrap"),

        // The decoders of everything that others write, for the fuzzer and for plain tests.
        .target(
            name: "LockstepFuzzTargets",
            dependencies: [
                "LockstepTimeline", "LockstepDigest", "ZeroMQ", "LockstepNumerics", "LockstepSharding", "LockstepData",
                "LockstepImages", "LockstepModel", "LockstepNetwork", "LockstepTraining", "LockstepProtocol",
                "LockstepCluster",
                "LockstepArtifacts", "LockstepRuntime",
            ],
            path: "Tests/Fuzz/Targets"),
        // Times the parts of a step, and counts their instructions and allocations. Targets of this package, because what they
        // measure is not public.
        .executableTarget(
            name: "Benchmarks",
            dependencies: [
                "LockstepTimeline", "LockstepCompute", "LockstepNumerics", "LockstepSharding", "LockstepData",
                "LockstepModel", "LockstepNetwork", "LockstepTraining", "LockstepProtocol", "CAllocations",
            ],
            path: "Tests/Benchmarks/Program"),
        .executableTarget(name: "Fuzz", dependencies: ["LockstepFuzzTargets"], path: "Tests/Fuzz/Driver"),
    ],
    swiftLanguageModes: [.v6]
)

/// One test target per source target, then the tests of the whole program.
let testTargets: [(name: String, dependencies: [Target.Dependency])] = [
    ("LockstepTextTests", ["LockstepText"]),
    ("LockstepTimelineTests", ["LockstepTimeline"]),
    ("LockstepConfigurationTests", ["LockstepConfiguration"]),
    ("LockstepDigestTests", ["LockstepDigest", "CProcessor"]),
    ("LockstepComputeTests", ["LockstepCompute", "CProcessorTrap"]),
    ("LockstepSystemTests", ["LockstepTimeline", "LockstepSystem", "CLinux"]),
    ("ZeroMQTests", ["CInterposition", "LockstepSystem", "ZeroMQ"]),
    ("LockstepNumericsTests", ["LockstepNumerics"]),
    ("LockstepShardingTests", ["LockstepSharding"]),
    ("LockstepDataTests", ["LockstepDigest", "LockstepData", "CZlib", "CPNG"]),
    ("LockstepImagesTests", ["LockstepData", "LockstepImages"]),
    (
        "LockstepNetworkTests",
        ["LockstepCompute", "LockstepNumerics", "LockstepConfiguration", "LockstepModel", "LockstepNetwork"]
    ),
    (
        "LockstepTrainingTests",
        [
            "LockstepTimeline", "LockstepDigest", "LockstepSystem", "LockstepCompute", "LockstepNumerics",
            "LockstepSharding", "LockstepData", "LockstepModel", "LockstepNetwork", "LockstepTraining",
        ]
    ),
    ("LockstepProtocolTests", ["LockstepTimeline", "LockstepSharding", "LockstepProtocol"]),
    ("LockstepCostModelTests", ["LockstepSharding", "LockstepCostModel"]),
    ("LockstepClusterTests", ["LockstepTimeline", "LockstepSharding", "LockstepProtocol", "LockstepCluster"]),
    (
        "LockstepArtifactsTests",
        [
            "LockstepText", "LockstepTimeline", "LockstepDigest", "LockstepSystem", "LockstepCompute",
            "LockstepNumerics", "LockstepConfiguration", "LockstepSharding", "LockstepData", "LockstepModel",
            "LockstepNetwork",
            "LockstepTraining", "LockstepArtifacts",
        ]
    ),
    // Its workers are the executable.
    ("LockstepTests", ["Lockstep", "LockstepCLI"]),
    (
        "LockstepRuntimeTests",
        [
            "LockstepTimeline", "LockstepSystem", "LockstepCompute", "ZeroMQ", "LockstepNumerics", "LockstepSharding",
            "LockstepData", "LockstepModel", "LockstepNetwork", "LockstepTraining", "LockstepProtocol",
            "LockstepCostModel",
            "LockstepCluster", "LockstepRuntime", "CAllocations",
        ]
    ),
    // The cluster's state machines against each other, with a simulated network and clock.
    ("SimulationTests", ["LockstepSharding", "LockstepCluster"]),
    (
        "LockstepRunsTests",
        [
            "LockstepTimeline", "LockstepSystem", "LockstepCompute", "LockstepData", "LockstepNetwork",
            "LockstepTraining", "LockstepCluster", "LockstepArtifacts", "LockstepRuntime", "LockstepRuns",
        ]
    ),
    ("LockstepLaunchTests", ["LockstepSystem", "LockstepCluster", "LockstepLaunch"]),
    (
        "LockstepBenchTests",
        [
            "LockstepTimeline", "LockstepNetwork", "LockstepCostModel", "LockstepArtifacts", "LockstepRuntime",
            "LockstepBench",
        ]
    ),
    (
        "LockstepChaosTests",
        [
            "LockstepTimeline", "LockstepSystem", "LockstepSharding", "LockstepData", "LockstepNetwork",
            "LockstepTraining", "LockstepArtifacts", "LockstepChaos",
        ]
    ),
    (
        "LockstepDashboardTests",
        [
            "LockstepTimeline", "LockstepSystem", "LockstepTraining", "LockstepArtifacts", "LockstepDashboard",
        ]
    ),
    (
        "LockstepCLITests",
        [
            "LockstepTimeline", "LockstepSystem", "ZeroMQ", "LockstepSharding", "LockstepData", "LockstepNetwork",
            "LockstepTraining", "LockstepProtocol", "LockstepCostModel", "LockstepCluster", "LockstepArtifacts",
            "LockstepRuntime",
            "LockstepRuns", "LockstepLaunch", "LockstepBench", "LockstepChaos", "LockstepCLI",
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ]
    ),
    // The corpus of the fuzzer, and damage to it.
    ("FuzzTests", ["LockstepFuzzTargets"]),
    // Compares this file with the imports of the sources.
    ("PackageTests", []),
    // Real processes, real sockets, real kills.
    (
        "ProcessTests",
        [
            "LockstepTimeline", "LockstepDigest", "LockstepSystem", "LockstepCompute", "LockstepNumerics",
            "LockstepNetwork", "LockstepTraining", "LockstepCluster", "LockstepArtifacts", "LockstepCLI", "OwnModel",
            "ModelProgram",
        ]
    ),
    // Independent programs from PyPI check what we compute and write.
    (
        "OracleTests",
        [
            "LockstepCompute", "LockstepNumerics", "LockstepConfiguration", "LockstepSharding", "LockstepData",
            "LockstepModel", "LockstepNetwork", "LockstepTraining", "LockstepArtifacts", "LockstepCLI",
        ]
    ),
]
/// Files of test targets that the tests read where they lie: Python programs, records of runs, and runs of earlier releases.
let testFiles = ["OracleTests": ["Oracles"], "LockstepClusterTests": ["Records"], "ProcessTests": ["Fixtures"]]
package.targets += testTargets.map {
    .testTarget(
        name: $0.name, dependencies: $0.dependencies + ["LockstepTesting"], exclude: testFiles[$0.name] ?? [])
}

for target in package.targets where target.type != .system {
    target.swiftSettings = [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
    ]
    // The samples of a model of one's own are a struct of spans, whose initializer says whose lifetime it has.
    if target.name == "Lockstep" { target.swiftSettings?.append(.enableExperimentalFeature("Lifetimes")) }
}
