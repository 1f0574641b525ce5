// swift-tools-version: 6.2
import PackageDescription

/// One set of rules for every Swift target: language mode 6, no implicit re-exports, every warning an error.
let rules: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "tibet-fabric",
    products: [
        .executable(name: "tcd", targets: ["tcd"]),
        .library(name: "Fabric", targets: ["Fabric"]),
        .library(name: "CarrierHTTP", targets: ["CarrierHTTP"]),
        .library(name: "CarrierIPoll", targets: ["CarrierIPoll"]),
        .library(name: "CarrierLocal", targets: ["CarrierLocal"]),
        .library(name: "CarrierSCP", targets: ["CarrierSCP"]),
        .library(name: "CarrierExec", targets: ["CarrierExec"]),
        .library(name: "CarrierMux", targets: ["CarrierMux"]),
        .library(name: "CarrierConformance", targets: ["CarrierConformance"]),
        .library(name: "Resolver", targets: ["Resolver"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.34.1"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Floor 0: system libraries and the few lines of C that Swift cannot say.
        .target(name: "CLinux", path: "Sources/CShims/CLinux"),
        .target(name: "CSpawn", path: "Sources/CShims/CSpawn"),
        // Needs libcurl4-openssl-dev to build. No system library, because it is loaded when it is first used.
        .target(name: "CCurl", path: "Sources/CShims/CCurl"),
        // Needs libssh2-1-dev to build; loaded when it is first used as well.
        .target(name: "CSSH2", path: "Sources/CShims/CSSH2"),
        // Needs libpq-dev to build; loaded when a hub first uses PostgreSQL.
        .target(name: "CPostgres", path: "Sources/CShims/CPostgres"),
        .systemLibrary(
            name: "CSodium", path: "Sources/CShims/CSodium", pkgConfig: "libsodium",
            providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(
            name: "CZstd", path: "Sources/CShims/CZstd", pkgConfig: "libzstd",
            providers: [.apt(["libzstd-dev"])]),
        // Needs libarchive-dev. No system library, because its header brings along what is Glibc's.
        .target(
            name: "CArchive", path: "Sources/CShims/CArchive", linkerSettings: [.linkedLibrary("archive")]),

        // Floor 1: envelopes, identities, names, lanes, and what a carrier is. Opens no socket.
        .target(
            name: "Fabric",
            dependencies: [
                "CLinux", "CSodium", "CZstd", "CArchive",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: rules),

        // Floor 1, beside Fabric: the one HTTP client of whoever makes requests.
        .target(
            name: "HTTPClient",
            dependencies: [
                "Fabric", "CCurl",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: rules),

        // Floor 1, beside HTTPClient: what everything that answers requests has in common.
        .target(
            name: "HTTPServing",
            dependencies: [
                "Fabric",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: rules),

        // Floor 1, beside it: what the carriers that go through a hub say to it.
        .target(name: "HubClient", dependencies: ["Fabric", "HTTPClient"], swiftSettings: rules),

        // Floor 2: one folder per way of moving sealed bytes. Each knows Fabric and nothing beside it.
        .target(
            name: "CarrierHTTP",
            dependencies: [
                "Fabric", "HTTPClient", "HTTPServing",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "Sources/Carriers/HTTP",
            swiftSettings: rules),
        .target(
            name: "CarrierIPoll",
            dependencies: [
                "Fabric", "HTTPClient", "HubClient",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "Sources/Carriers/IPoll",
            swiftSettings: rules),
        .target(
            name: "CarrierLocal",
            dependencies: [
                "Fabric",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "Sources/Carriers/Local",
            swiftSettings: rules),
        .target(
            name: "CarrierSCP",
            dependencies: [
                "Fabric", "CSSH2", "CSpawn",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "Sources/Carriers/SCP",
            swiftSettings: rules),
        .target(
            name: "CarrierMux",
            dependencies: [
                "Fabric", "HTTPClient", "HubClient",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "Sources/Carriers/Mux",
            swiftSettings: rules),
        .target(
            name: "CarrierExec",
            dependencies: [
                "Fabric", "CSpawn",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "Sources/Carriers/Exec",
            swiftSettings: rules),

        // Floor 2: from names to routes.
        .target(
            name: "Resolver",
            dependencies: [
                "Fabric", "HTTPClient", "HubClient",
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "TOMLKit", package: "TOMLKit"),
            ],
            swiftSettings: rules),

        // Floor 3: what agents that no one can reach meet at.
        .target(
            name: "Hub",
            dependencies: [
                "Fabric", "CPostgres", "CSpawn", "HTTPServing",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdHTTP2", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP2", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: rules),

        // Floor 3: what is handed from one actor to another, and what is looked at when it comes.
        .target(
            name: "Triage",
            dependencies: [
                "Fabric", "CSpawn",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: rules),

        // Floor 4: the command line.
        .executableTarget(
            name: "tcd",
            dependencies: [
                "Fabric", "HTTPClient", "HubClient", "CarrierConformance", "CarrierExec", "CarrierHTTP",
                "CarrierIPoll", "CarrierLocal", "CarrierMux", "CarrierSCP", "Hub", "Resolver", "Triage",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "TOMLKit", package: "TOMLKit"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: rules),

        .testTarget(
            name: "FabricTests",
            dependencies: [
                "Fabric", "CLinux", "CArchive", "ProgramRunner", "OutboxCrasher",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            resources: [.copy("Vectors")],
            swiftSettings: rules),
        .testTarget(
            name: "CarrierHTTPTests",
            dependencies: [
                "Fabric", "CarrierHTTP", "HTTPClient", "HTTPServing", "CLinux", "ProgramRunner",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: rules),
        .testTarget(
            name: "HubTests",
            dependencies: [
                "Fabric", "HTTPServing", "Hub", "PostgresRunner", "ProgramRunner", "tcd",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: rules),
        .testTarget(
            name: "CarrierMuxTests",
            dependencies: [
                "Fabric", "CarrierMux", "HTTPClient", "HubClient", "ProgramRunner",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: rules),
        .testTarget(
            name: "HTTPClientTests",
            dependencies: ["Fabric", "HTTPClient", "CCurl"],
            swiftSettings: rules),
        .testTarget(
            name: "ResolverTests",
            dependencies: [
                "Fabric", "ProgramRunner", "Resolver",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: rules),
        .testTarget(
            name: "TriageTests",
            dependencies: [
                "Fabric", "Triage",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: rules),
        .testTarget(
            name: "CarrierLocalTests",
            dependencies: [
                "Fabric", "CarrierLocal",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: rules),
        .testTarget(
            name: "CarrierIPollTests",
            dependencies: [
                "Fabric", "CarrierHTTP", "CarrierIPoll", "CarrierMux", "HubClient", "ProgramRunner",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: rules),
        .testTarget(
            name: "CarrierSCPTests",
            dependencies: [
                "Fabric", "CarrierSCP", "CSSH2", "ProgramRunner", "SSHServerRunner",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: rules),

        .testTarget(
            name: "HubStoreTests",
            dependencies: [
                "Fabric", "Hub", "HubStoreCrasher", "PostgresRunner", "ProgramRunner",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: rules),

        // What every carrier has to pass. A library, so that carriers outside this package can be run through it too.
        .target(
            name: "CarrierConformance",
            dependencies: [
                "Fabric",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "Tests/CarrierConformance",
            swiftSettings: rules),
        .testTarget(
            name: "ConformanceTests",
            dependencies: [
                "Fabric", "CarrierConformance", "CarrierExec", "CarrierHTTP", "CarrierIPoll", "CarrierLocal",
                "CarrierMux", "CarrierSCP",
                "ProgramRunner", "SSHServerRunner",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            // Started where it lies, as a plug-in is.
            exclude: ["Plugins"],
            swiftSettings: rules),

        // Tests that run the built program: as a person would, and against the reference peers.
        .executableTarget(
            name: "OutboxCrasher",
            dependencies: [
                "Fabric", "CarrierLocal",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "Tests/OutboxCrasher",
            swiftSettings: rules),
        .executableTarget(
            name: "HubStoreCrasher",
            dependencies: [
                "Fabric", "Hub",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "Tests/HubStoreCrasher",
            swiftSettings: rules),
        .target(name: "ProgramRunner", path: "Tests/ProgramRunner", swiftSettings: rules),
        .target(
            name: "PostgresRunner", dependencies: ["ProgramRunner"], path: "Tests/PostgresRunner",
            swiftSettings: rules),
        .target(
            name: "SSHServerRunner",
            dependencies: [
                "Fabric", "CarrierSCP", "ProgramRunner",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "Tests/SSHServerRunner",
            swiftSettings: rules),
        .testTarget(
            name: "CLITests",
            dependencies: ["ProgramRunner", "SSHServerRunner", "tcd"],
            resources: [.copy("Scripts")],
            swiftSettings: rules),
        .testTarget(
            name: "Interop",
            dependencies: [
                "Fabric", "CarrierMux", "CarrierSCP", "ProgramRunner", "Triage", "tcd",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "Interop",
            swiftSettings: rules),
    ]
)
