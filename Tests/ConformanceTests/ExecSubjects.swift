import CarrierConformance
import CarrierExec
import Fabric
import Foundation

/// Where the plug-ins are.
enum PluginFiles {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The examples that people are given.
    static let examples = root.appendingPathComponent("Examples").path
    /// The one that goes wrong in every way.
    static let rigged = root.appendingPathComponent("Tests/ConformanceTests/Plugins").path

    /// The carrier of a plug-in in `directory`, with short waits.
    static func carrier(
        _ name: String, in directory: String, environment: [String: String] = [:], stallTime: Duration = .seconds(8)
    ) async throws -> any Carrier {
        var all = ProcessInfo.processInfo.environment
        all["TIBET_CARRIER_PATH"] = directory
        for (name, value) in environment { all[name] = value }
        guard let plugin = PluginPath(environment: all).plugin(named: name) else {
            throw MissingPower("there is no plug-in '\(name)' in '\(directory)'")
        }
        var limits = PluginLimits()
        limits.stallTime = stallTime
        return try await ExecCarrier.open(plugin, environment: all, limits: limits)
    }
}

/// A plug-in that goes wrong in every way, so that nothing is excused.
struct RiggedSubject: ConformanceSubject {
    let title = "exec"
    let powers = InMemorySubject.allPowers

    func makeCarrier() async throws -> any Carrier {
        try await PluginFiles.carrier("rigged", in: PluginFiles.rigged)
    }

    func makeLimitedCarrier() async throws -> any Carrier {
        try await PluginFiles.carrier(
            "rigged", in: PluginFiles.rigged, environment: ["TIBET_CARRIER_RIGGED_LIMIT": "1000000"])
    }

    func makeFarSide() async throws -> any FarSide { try RiggedFarSide() }
}

/// A directory with a file in it that says what is wrong.
final class RiggedFarSide: FarSide {
    private let directory: DirectoryFarSide

    var route: Route { directory.route }

    init() throws {
        directory = try DirectoryFarSide { Route(scheme: "rigged", address: $0) }
        try FileManager.default.createDirectory(atPath: path(".offers"), withIntermediateDirectories: false)
    }

    private func path(_ name: String) -> String { directory.directory + "/" + name }

    func publishedNames() async throws -> [String] { try await directory.publishedNames() }
    func leftovers() async throws -> [String] { try await directory.leftovers() }
    func object(named name: String) async throws -> PublishedObject? { try await directory.object(named: name) }

    func suffer(_ breakage: Breakage) async throws {
        try Data(breakage.rawValue.utf8).write(to: URL(fileURLWithPath: path(".rig")))
    }

    func mend() async throws { try? FileManager.default.removeItem(atPath: path(".rig")) }

    func offer(_ offer: Offer) async throws {
        let number = try FileManager.default.contentsOfDirectory(atPath: path(".offers")).count
        let base = path(".offers/") + String(1_000_000 + number)
        try Data(offer.bytes).write(to: URL(fileURLWithPath: base + ".bytes"))
        let record: [String: Any] = [
            "name": offer.name, "digest": offer.claimedDigest.hex, "size": offer.claimedSize,
        ]
        try JSONSerialization.data(withJSONObject: record).write(
            to: URL(fileURLWithPath: base + ".json"), options: .atomic)
    }

    func passTime(_ duration: Duration) async throws {
        let before = (try? String(contentsOfFile: path(".clock"), encoding: .utf8)).flatMap { Int64($0) } ?? 0
        let after = before + duration.components.seconds
        try Data(String(after).utf8).write(to: URL(fileURLWithPath: path(".clock")), options: .atomic)
    }
}

/// The example in POSIX shell.
struct SharedDirectorySubject: ConformanceSubject {
    let title = "tcd-carrier-shareddir"
    let powers: Set<ConformancePower> = [
        .receipts, .probing, .receiving, .leases, .breakage(.full), .breakage(.readOnly), .breakage(.absent),
    ]
    let excuses = excusing([
        ("the directory is in this machine's kernel, which does not die while we live", CaseNames.dying),
        (
            "a share that hangs holds its caller in the kernel; a plug-in that hangs is tried with 'exec'",
            CaseNames.silence
        ),
        ("a directory answers nothing but what the kernel says", CaseNames.nonsense),
        ("a directory has no key", CaseNames.keys),
        ("the plug-in makes its claims from the files themselves", CaseNames.needing(.falseOffers)),
        ("the plug-in has no limit of its own", CaseNames.needing(.limit)),
        ("the plug-in begins again", CaseNames.needing(.resuming)),
    ])

    func makeCarrier() async throws -> any Carrier {
        try await PluginFiles.carrier("shareddir", in: PluginFiles.examples, stallTime: .seconds(20))
    }

    func makeFarSide() async throws -> any FarSide { try SharedDirectoryFarSide() }
}

/// A directory from which the plug-in also offers what lies in it.
final class SharedDirectoryFarSide: FarSide {
    private let directory: DirectoryFarSide

    var route: Route { directory.route }

    init() throws { directory = try DirectoryFarSide { Route(scheme: "shareddir", address: $0) } }

    func publishedNames() async throws -> [String] { try await directory.publishedNames() }
    func leftovers() async throws -> [String] { try await directory.leftovers() }
    func object(named name: String) async throws -> PublishedObject? { try await directory.object(named: name) }
    func suffer(_ breakage: Breakage) async throws { try await directory.suffer(breakage) }
    func mend() async throws { try await directory.mend() }
    func close() async { await directory.close() }

    func offer(_ offer: Offer) async throws {
        try Data(offer.bytes).write(to: URL(fileURLWithPath: directory.directory + "/.new"))
        try FileManager.default.moveItem(
            atPath: directory.directory + "/.new", toPath: directory.directory + "/" + offer.name)
    }

    /// Moves the end of every claim into the past.
    func passTime(_ duration: Duration) async throws {
        let claims = URL(fileURLWithPath: directory.directory + "/.claims")
        for claim in try FileManager.default.contentsOfDirectory(at: claims, includingPropertiesForKeys: nil) {
            let file = claim.appendingPathComponent("until")
            guard let until = Int64(try String(contentsOf: file, encoding: .utf8)) else { continue }
            try Data(String(until - duration.components.seconds).utf8).write(to: file, options: .atomic)
        }
    }
}
