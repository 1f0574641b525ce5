import CarrierSCP
import Fabric
import Foundation
import ProgramRunner
import SystemPackage
import Testing

extension WithThePeers {
    /// What we put over SSH into the directory that the peer's daemon watches, it trusts.
    @Suite("Sent over SSH into the peer's inbox")
    struct SentBySCP {
        let folder: WorkFolder

        init() throws { folder = try WorkFolder() }

        private func seal(_ context: String, _ content: [UInt8]) throws -> SealedEnvelope {
            let moment = Timestamp.now()
            let surface = try #require(
                Surface(timeFragment: moment.surfaceDate, context: context, profile: "claude", priority: "normal"))
            var options = SealOptions(senderName: "alice.aint")
            options.surface = ManifestSurface(surface)
            let name = try #require(surface.arrivalName)
            let path = try folder.write("\(context).bin", content)
            let sealer = Sealer(key: try SigningKey.generate(), options: options)
            let sealed = FilePath(folder.path(name.text))
            _ = try sealer.seal(.path(path), to: sealed)
            return try SealedEnvelope(hashing: sealed, name: name)
        }

        @Test("Over SFTP and over scp: each is judged once, whole, and as trusted-fork", arguments: [true, false])
        func trusted(hasSFTP: Bool) async throws {
            let daemon = try await PeerDaemon(in: folder)
            let carrier = SCPCarrier(
                configuration: try await InetdSSH(in: folder, hasSFTP: hasSFTP).configuration)
            let route = Route(scheme: "scp", address: "peer:" + folder.path("daemon/inbox"))
            var names: [String] = []
            for (context, size) in [("small", 5000), ("large", 20 << 20)] {
                let envelope = try seal(context, noise(size))
                let receipt = try await carrier.deliver(envelope, along: route, reporting: .none)
                #expect(receipt.strength == .stored && receipt.farDigest == envelope.digest)
                names.append(envelope.name.text)
            }
            #expect(try daemon.arrivals() == names.sorted())
            let judgements = try await daemon.judgements(2)
            #expect(judgements.map(\.name).sorted() == names.sorted())
            for judgement in judgements {
                #expect(judgement.isValid && judgement.surfaceStatus == "MATCH")
                #expect(judgement.disposition == "trusted-fork")
            }
        }
    }
}
