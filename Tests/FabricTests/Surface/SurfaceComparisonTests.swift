import Testing

@testable import Fabric

@Suite("Comparing names with manifests")
struct SurfaceComparisonTests {
    static let demo = Surface(timeFragment: "2026-05-14", context: "demo", profile: "claude", priority: "normal")!

    @Test func everyVectorHasThePeersStatus() throws {
        let rows = try SurfaceVectors.load().comparisons
        #expect(rows.count == 13)
        for row in rows {
            let comparison = SurfaceComparison(
                name: row.filename?.surface, manifest: row.manifest?.manifest ?? ManifestSurface())
            #expect(comparison.status.rawValue == row.result)
            #expect((comparison.mismatchClass != nil) == (row.result == "MISMATCH"))
            #expect(comparison.differences.isEmpty == (row.result != "MISMATCH"))
        }
    }

    @Test func classesOfMismatch() {
        func compare(_ change: (inout ManifestSurface) -> Void, name: Surface = Self.demo) -> SurfaceComparison {
            var manifest = ManifestSurface(name)
            change(&manifest)
            return SurfaceComparison(name: name, manifest: manifest)
        }
        #expect(compare { $0.priority = "urgent" }.mismatchClass == .cosmetic)
        #expect(compare { $0.timeFragment = "2026-05-15" }.mismatchClass == .cosmetic)
        #expect(compare { $0.profile = "kit" }.mismatchClass == .routingRisk)
        #expect(compare { $0.context = nil }.mismatchClass == .routingRisk)
        #expect(compare { $0.priority = "heartbeat" }.mismatchClass == .routingRisk)
        #expect(compare { $0.priority = "sealed" }.mismatchClass == .routingRisk)
        let beat = Surface(timeFragment: "2026-05-14", context: "x", profile: "claude", priority: "heartbeat")!
        #expect(compare({ $0.priority = "normal" }, name: beat).mismatchClass == .routingRisk)
        #expect(compare({ $0.timeFragment = "2026-05-15" }, name: beat).mismatchClass == .routingRisk)
        #expect(compare({ _ in }, name: beat).mismatchClass == nil)
        let both = compare { manifest in
            manifest.priority = nil
            manifest.timeFragment = "x"
        }
        #expect(both.differences == [.timeFragment, .priority])
        #expect(both.mismatchClass == .cosmetic)
    }

    @Test func textsAreComparedAsBytes() {
        #expect(ManifestSurface(context: "d\u{e9}mo") != ManifestSurface(context: "de\u{301}mo"))
        #expect(ManifestSurface(context: "demo") == ManifestSurface(context: "demo"))
    }

    @Test func canonicalNames() throws {
        let today = try #require(Timestamp(iso8601: "2026-05-14T06:41:48Z"))
        // Required where the peer's name is wrong: null is a missing value, and a slash is no part of a name.
        let required: [String: String?] = [
            "2026-05-14.None.tibet.normal.tza": "2026-05-14.untitled.tibet.normal.tza",
            "2026-05-14.a/b.tibet.normal.tza": String?.none,
        ]
        let rows = try SurfaceVectors.load().canonicalNames
        #expect(rows.count == 6)
        for row in rows {
            let expected: String? = required[row.canonicalFilename, default: row.canonicalFilename]
            let canonical = row.manifest.manifest.canonicalName(today: today)
            #expect(canonical?.text == expected)
        }
        // Would read back with other fields.
        #expect(ManifestSurface(context: "a.b").canonicalName(today: today) == nil)
        #expect(ManifestSurface(timeFragment: "yesterday").canonicalName(today: today) == nil)
    }

    @Test func renamedMeansAnotherNameThanTheManifestGives() {
        let today = Timestamp(seconds: 0)
        let manifest = ManifestSurface(Self.demo)
        #expect(!manifest.isRenamed(onDisk: "2026-05-14.demo.claude.normal.tza".utf8, today: today))
        #expect(manifest.isRenamed(onDisk: "2026-05-14.demo.claude.normal.1a2b3c4d.tza".utf8, today: today))
        #expect(!ManifestSurface(context: "a/b").isRenamed(onDisk: "x".utf8, today: today))
    }
}
