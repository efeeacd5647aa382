// swift-tools-version: 6.2
import PackageDescription

// Benchmarks of the kernels, run by scripts/bench-kernels. A package of its own, so that nobody who builds Lockstep builds
// the benchmark library too. `Sources` is a link to those of Lockstep: what is measured is no public interface, and
// another package could not see it.
let package = Package(
    name: "lockstep-benchmarks",
    dependencies: [
        // Repetition, warming up, statistics, the table.
        .package(url: "https://github.com/google/swift-benchmark", from: "0.1.2")
    ],
    targets: [
        .systemLibrary(name: "CBLAS"),
        .systemLibrary(name: "CZlib"),
        .systemLibrary(name: "CPNG"),
        .systemLibrary(name: "CCrypto"),
        .systemLibrary(name: "CProcessor"),
        .systemLibrary(name: "CLinux"),
        .target(name: "CKernels"),
        .target(name: "LockstepDigest", dependencies: ["CCrypto"]),
        .target(name: "LockstepSystem", dependencies: ["CLinux", "CProcessor"]),
        .target(name: "LockstepCompute", dependencies: ["CBLAS", "CKernels", "LockstepSystem"]),
        .target(name: "LockstepNumerics", dependencies: ["CKernels", "CProcessor"]),
        .target(name: "LockstepConfiguration"),
        .target(name: "LockstepSharding"),
        .target(
            name: "LockstepData",
            dependencies: [
                "LockstepConfiguration", "LockstepNumerics", "LockstepSharding", "LockstepDigest", "LockstepSystem",
                "CZlib", "CPNG", "CProcessor",
            ]),
        .target(name: "LockstepTimeline"),
        .target(
            name: "LockstepNetwork",
            dependencies: ["LockstepTimeline", "LockstepNumerics", "LockstepCompute", "LockstepSharding"]),
        .executableTarget(
            name: "KernelBenchmarks",
            dependencies: [
                "LockstepCompute", "LockstepNumerics", "LockstepData", "LockstepNetwork",
                .product(name: "Benchmark", package: "swift-benchmark"),
            ],
            path: "Kernels"),
    ],
    swiftLanguageModes: [.v6]
)

for target in package.targets where target.type != .system {
    target.swiftSettings = [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
    ]
}
