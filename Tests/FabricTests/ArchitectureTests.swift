import Foundation
import Testing

/// Who may know whom, checked against what every file below `Sources` imports.
@Suite("Architecture")
struct ArchitectureTests {
    /// One room: a folder, the modules of this package that it may know, and everything else that it may import.
    struct Room: Sendable {
        let folder: String
        let own: Set<String>
        let others: Set<String>
    }

    static let shims: Set<String> = ["CArchive", "CLinux", "CSodium", "CZstd"]
    static let anywhere: Set<String> = ["Dispatch", "Glibc", "Synchronization", "SystemPackage"]
    static let carriers = [
        "CarrierExec", "CarrierHTTP", "CarrierIPoll", "CarrierLocal", "CarrierMux", "CarrierSCP",
    ]

    /// The rooms that have Swift in them, from the bottom up. A new room, or a new import, is a line here.
    static let rooms = [
        // Opens no socket: FoundationEssentials, unlike Foundation, knows no network.
        Room(folder: "Fabric", own: shims, others: anywhere.union(["Crypto", "FoundationEssentials", "GRDB"])),
        Room(folder: "HTTPClient", own: ["Fabric", "CCurl"], others: anywhere),
        Room(folder: "HubClient", own: ["Fabric", "HTTPClient"], others: anywhere),
        Room(
            folder: "HTTPServing", own: ["Fabric"],
            others: anywhere.union([
                "HTTPTypes", "HummingbirdCore", "Logging", "NIOCore", "NIOHTTP1", "NIOHTTPTypes", "NIOPosix", "NIOSSL",
            ])),
        Room(
            folder: "Carriers/HTTP", own: ["Fabric", "HTTPClient", "HTTPServing"],
            others: anywhere.union([
                "FoundationEssentials", "HTTPTypes", "HummingbirdCore", "HummingbirdTLS", "Logging", "NIOCore",
                "NIOHTTP1", "NIOHTTPTypes", "NIOPosix", "NIOSSL",
            ])),
        Room(
            folder: "Carriers/Exec", own: ["Fabric", "CSpawn"], others: anywhere.union(["FoundationEssentials"])),
        Room(
            folder: "Carriers/IPoll", own: ["Fabric", "HTTPClient", "HubClient"],
            others: anywhere.union(["FoundationEssentials"])),
        Room(folder: "Carriers/Local", own: ["Fabric"], others: anywhere),
        Room(
            folder: "Carriers/Mux", own: ["Fabric", "HTTPClient", "HubClient"],
            others: anywhere.union(["FoundationEssentials"])),
        Room(folder: "Carriers/SCP", own: ["Fabric", "CSSH2", "CSpawn"], others: anywhere.union(["Crypto"])),
        Room(
            folder: "Resolver", own: ["Fabric", "HTTPClient", "HubClient"],
            others: anywhere.union(["FoundationEssentials", "TOMLKit"])),
        Room(
            folder: "Hub", own: ["Fabric", "CPostgres", "CSpawn", "HTTPServing"],
            others: anywhere.union([
                "Crypto", "FoundationEssentials", "GRDB", "GRDBSQLite", "HTTPTypes", "HummingbirdCore",
                "HummingbirdHTTP2", "Logging", "NIOCore", "NIOHTTP1", "NIOHTTPTypes", "NIOHTTPTypesHTTP1",
                "NIOWebSocket",
            ])),
        Room(folder: "Triage", own: ["Fabric", "CSpawn"], others: anywhere),
        Room(
            folder: "tcd",
            own: Set(carriers).union([
                "CarrierConformance", "Fabric", "HTTPClient", "Hub", "HubClient", "Resolver", "Triage",
            ]),
            others: anywhere.union(["ArgumentParser", "FoundationEssentials", "Logging", "TOMLKit", "UnixSignals"])),
    ]

    /// All modules of this package.
    static let modules = shims.union(carriers).union([
        "CCurl", "CPostgres", "CSSH2", "CSpawn", "CarrierConformance", "Fabric", "HTTPClient", "HTTPServing", "Hub",
        "HubClient", "Resolver", "Triage", "tcd",
    ])

    static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Sources")

    /// The Swift files below `Sources`, as paths relative to it.
    static func files() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: sources.path).filter { $0.hasSuffix(".swift") }.sorted()
    }

    /// The modules that a file imports, whatever stands before and after `import`.
    static func imports(in source: String) -> Set<String> {
        let form =
            /^\s*(?:(?:@\w+(?:\([^)]*\))?|public|package|internal|fileprivate|private)\s+)*import\s+(?:(?:struct|class|enum|protocol|typealias|func|let|var)\s+)?(\w+)/
        return Set(source.split(separator: "\n").compactMap { $0.firstMatch(of: form).map { String($0.output.1) } })
    }

    /// What is wrong with a file that imports `imported`.
    static func complaints(about imported: Set<String>, in file: String) -> [String] {
        guard let room = rooms.first(where: { file.hasPrefix($0.folder + "/") }) else {
            return ["\(file) is in no room of the architecture"]
        }
        return imported.subtracting(room.own).subtracting(room.others).sorted().map { module in
            modules.contains(module)
                ? "\(file) imports \(module), which \(room.folder) must not know"
                : "\(file) imports \(module), which is not on the list of \(room.folder)"
        }
    }

    @Test("Descriptors are closed on exec from birth: one that is marked later is inherited by a child in between")
    func closedOnExec() throws {
        // A child that holds the end of a pipe keeps the other end from seeing that it was closed.
        let forbidden = try [
            #"(^|[^\w.])(Glibc\.)?pipe\(&"#, #"F_SETFD,\s*FD_CLOEXEC"#, #"(^|[^\w.])(Glibc\.)?dup2?\("#,
            #"(^|[^\w.])(Glibc\.)?accept\(\w+, (nil|&)"#, #"inotify_init\(\)"#, #"F_DUPFD,"#,
        ].map { try Regex($0) }
        for file in try Self.files() {
            let source = try String(contentsOf: Self.sources.appendingPathComponent(file), encoding: .utf8)
            for line in source.split(separator: "\n")
            where forbidden.contains(where: { line.firstMatch(of: $0) != nil }) {
                Issue.record("\(file): \(line)")
            }
        }
    }

    @Test("Every file imports only what its room may know")
    func everyFile() throws {
        let files = try Self.files()
        #expect(files.count > 100)
        for room in Self.rooms {
            #expect(files.contains { $0.hasPrefix(room.folder + "/") }, "\(room.folder) is empty")
        }
        for file in files {
            let source = try String(contentsOf: Self.sources.appendingPathComponent(file), encoding: .utf8)
            let complaints = Self.complaints(about: Self.imports(in: source), in: file)
            #expect(complaints.isEmpty, "\(complaints.joined(separator: "; "))")
        }
    }

    @Test("Whatever a forbidden import looks like, it is found")
    func forbiddenImports() {
        for (file, line) in [
            ("Fabric/Lane/Lane.swift", "internal import NIOCore"),
            ("Fabric/Lane/Lane.swift", "@preconcurrency import FoundationNetworking"),
            ("Fabric/Lane/Lane.swift", "import Foundation"),
            ("Fabric/Envelope/Zstd.swift", "internal import CCurl"),
            ("Fabric/Envelope/Zstd.swift", "@_exported public import CarrierHTTP"),
            ("Fabric/Envelope/Zstd.swift", "  import struct NIOPosix.SocketAddress"),
            ("Carriers/HTTP/Outbound/HTTPCarrier.swift", "internal import CarrierLocal"),
            ("Carriers/Local/LocalCarrier.swift", "@testable import CarrierHTTP"),
            ("Carriers/Local/LocalCarrier.swift", "internal import CarrierConformance"),
            ("Carriers/Exec/Plugin.swift", "internal import Foundation"),
            ("Carriers/Local/LocalCarrier.swift", "private import tcd"),
            ("Carriers/Mux/MuxCarrier.swift", "internal import CarrierHTTP"),
            ("Carriers/Mux/MuxCarrier.swift", "internal import CCurl"),
            ("HubClient/Requests/HubClient.swift", "internal import CarrierMux"),
            ("HTTPClient/CurlLoop.swift", "package import CarrierHTTP"),
            ("Resolver/Resolver.swift", "internal import CCurl"),
            ("Resolver/Resolver.swift", "internal import CarrierHTTP"),
            ("Carriers/HTTP/Outbound/HTTPCarrier.swift", "internal import CCurl"),
            ("Triage/Fork/ForkToken.swift", "internal import HTTPClient"),
            ("Hub/Store/HubStore.swift", "internal import CarrierHTTP"),
            ("tcd/Entry.swift", "@_spi(Inner) import CZstd"),
            ("tcd/Entry.swift", "internal import NIOPosix"),
            ("Nowhere/Entry.swift", "import Fabric"),
        ] {
            let imported = Self.imports(in: "// import Nothing\ninternal import Fabric\n\(line)\n")
            #expect(Self.complaints(about: imported.subtracting(["Fabric"]), in: file).count == 1, "\(file): \(line)")
        }
    }

    @Test("Nothing below the command line knows it, and no carrier knows another")
    func directions() {
        for room in Self.rooms where room.folder != "tcd" {
            #expect(!room.own.contains("tcd"))
            #expect(room.own.isDisjoint(with: Self.carriers))
        }
        for forbidden in ["CCurl", "CSSH2", "Foundation", "FoundationNetworking", "NIOCore", "NIOPosix"] {
            #expect(!Self.rooms[0].own.union(Self.rooms[0].others).contains(forbidden))
        }
    }
}
