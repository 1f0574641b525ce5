// swift-tools-version: 6.2
import PackageDescription

// A package of its own, because fuzzing needs compiler flags that nothing else should be built with. `scripts/fuzz`
// builds and runs it.
let package = Package(
    name: "fuzz",
    dependencies: [
        .package(name: "tibet-fabric", path: ".."),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    ],
    targets: [
        .target(name: "CFuzzer"),
        .executableTarget(
            name: "fuzz-envelope",
            dependencies: [
                "CFuzzer",
                .product(name: "Fabric", package: "tibet-fabric"),
                .product(name: "SystemPackage", package: "swift-system"),
            ]),
    ]
)
