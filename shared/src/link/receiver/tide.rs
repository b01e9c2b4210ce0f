//! How the lanes stand: what the receiver says of floors, holes and credits, and when it repeats it.

use std::collections::BTreeMap;

use super::port::Standing;
use crate::ident::{Epoch, Lane};
use crate::link::pace;
use crate::link::wire::{Mark, Tide};
use crate::store::inbox::{Floor, LaneFloors};

/// The lanes that the peer's last hello named.
#[derive(Debug, Default)]
pub struct Tides {
    lanes: BTreeMap<(Epoch, Lane), Known>,
    room: [u64; 3],
    most_room: [u64; 3],
    row_bytes: [Option<u64>; 3],
    told: BTreeMap<(Epoch, Lane), u64>,
}

#[derive(Debug)]
struct Known {
    floors: LaneFloors,
    told: Option<Tide>,
}

impl Tides {
    /// Forgets all lanes but these; those that the store does not know are empty.
    pub fn open(&mut self, named: &[(Epoch, Lane)], standing: Standing) {
        let mut told: BTreeMap<_, _> = std::mem::take(&mut self.lanes);
        for &(epoch, lane) in named {
            let told = told.remove(&(epoch, lane)).and_then(|known| known.told);
            let floors = empty(epoch, lane);
            self.lanes.insert((epoch, lane), Known { floors, told });
        }
        self.update(standing);
    }

    /// Takes over how the store stands now.
    pub fn update(&mut self, standing: Standing) {
        self.room = standing.room;
        for (most, room) in self.most_room.iter_mut().zip(standing.room) {
            *most = room.max(*most);
        }
        for floors in standing.floors {
            if let Some(known) = self.lanes.get_mut(&(floors.epoch, floors.lane)) {
                known.floors = floors;
            }
        }
    }

    /// Whether the peer's last hello named this lane.
    pub fn knows(&self, epoch: Epoch, lane: Lane) -> bool {
        self.lanes.contains_key(&(epoch, lane))
    }

    /// What is known of a lane.
    pub fn floors(&self, epoch: Epoch, lane: Lane) -> Option<&LaneFloors> {
        self.lanes.get(&(epoch, lane)).map(|known| &known.floors)
    }

    /// Up to where each lane is settled.
    pub fn settled(&self) -> BTreeMap<(Epoch, Lane), u64> {
        let lanes = self.lanes.iter();
        lanes
            .map(|(key, known)| (*key, known.floors.settled.sequence))
            .collect()
    }

    /// All news up to these settled floors are committed at the peer; with none, nothing is known of that.
    pub fn all_told(&mut self, settled: BTreeMap<(Epoch, Lane), u64>) {
        self.told = settled;
    }

    /// Learns how large the rows of a lane are, for its credit.
    pub fn weigh(&mut self, lane: Lane, rows: &[Vec<u8>]) {
        let count = rows.len().max(1) as u64;
        let mean = rows.iter().map(|row| row.len() as u64).sum::<u64>() / count;
        let slot = &mut self.row_bytes[usize::from(lane.number())];
        *slot = Some(slot.map_or(mean, |old| (old * 7 + mean) / 8));
    }

    /// How these lanes stand; noted as told.
    pub fn tell(&mut self, lanes: impl IntoIterator<Item = (Epoch, Lane)>) -> Vec<Tide> {
        let mut tides = Vec::new();
        for key in lanes {
            let Some(tide) = self.tide(key) else { continue };
            if let Some(known) = self.lanes.get_mut(&key) {
                known.told = Some(tide.clone());
            }
            tides.push(tide);
        }
        tides
    }

    /// All lanes.
    pub fn all(&self) -> Vec<(Epoch, Lane)> {
        self.lanes.keys().copied().collect()
    }

    /// Lanes with holes, or of which something else was told last.
    pub fn unsaid(&self) -> Vec<(Epoch, Lane)> {
        let unsaid = |(key, known): (&(Epoch, Lane), &Known)| {
            let tide = self.tide(*key);
            let said = tide == known.told && known.floors.ranges.is_empty();
            (!said).then_some(*key)
        };
        self.lanes.iter().filter_map(unsaid).collect()
    }

    fn tide(&self, key: (Epoch, Lane)) -> Option<Tide> {
        let floors = &self.lanes.get(&key)?.floors;
        let held = &floors.ranges[..floors.ranges.len().min(pace::RANGES)];
        let above: u64 = floors.ranges.iter().map(|(first, last)| last - first + 1).sum();
        let total = floors.stored.sequence + above;
        Some(Tide {
            epoch: floors.epoch,
            lane: floors.lane,
            floor: Mark {
                sequence: floors.stored.sequence,
                running: floors.stored.running,
            },
            held: held.to_vec(),
            settled: self.told.get(&key).copied().unwrap_or(0),
            credit: total.saturating_add(self.fresh_rows(floors)),
        })
    }

    /// How many more rows fit that fill no hole. The last room of a lane with holes belongs to what fills them: what
    /// waits for them can only leave when they came.
    fn fresh_rows(&self, floors: &LaneFloors) -> u64 {
        let index = usize::from(floors.lane.number());
        let reserve = if floors.ranges.is_empty() {
            0
        } else {
            pace::HOLE_RESERVE_BYTES.min(self.most_room[index] / 4)
        };
        let row = self.row_bytes[index].unwrap_or(pace::ROW_BYTES).max(64);
        self.room[index].saturating_sub(reserve) / row
    }
}

fn empty(epoch: Epoch, lane: Lane) -> LaneFloors {
    let floor = Floor::origin(epoch, lane);
    LaneFloors {
        epoch,
        lane,
        stored: floor,
        ranges: Vec::new(),
        settled: floor,
        acknowledged: 0,
        diverged: None,
    }
}
