// swift-tools-version: 6.2
import PackageDescription

// A package of its own: what makes load is built when figures are taken, and needs nothing but the system.
let package = Package(
    name: "HubLoad",
    targets: [
        .executableTarget(name: "hubload", swiftSettings: [.treatAllWarnings(as: .error)])
    ]
)
